"""One module a pass. Passes do not know each other; `compiler.pipeline` knows their order."""
