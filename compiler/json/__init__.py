"""HCL in JSON: text to the same trees."""
