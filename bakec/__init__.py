"""bakec compiles Docker Bake files into one reviewable plan, diffs plans, and runs them on BuildKit."""

__version__ = "0.1.0"
