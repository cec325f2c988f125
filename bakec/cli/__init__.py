"""The command line: one module a verb, each thin. Parse, call the API, print, choose the exit code."""
