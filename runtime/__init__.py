"""From a plan to images. Knows the plan, BuildKit and drivers, and nothing of definition files."""
