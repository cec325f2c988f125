"""One rule a file: what it finds, a definition that is good, and one that is bad."""
