"""Speed, measured against buildx in the same run: `make bench`."""
