"""Native HCL: text to trees, and back."""
