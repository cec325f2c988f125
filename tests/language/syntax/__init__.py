"""The parsers of native HCL and of HCL-JSON."""
