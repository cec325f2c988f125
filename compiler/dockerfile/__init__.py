"""Dockerfiles, lowered to LLB byte for byte as BuildKit's own Dockerfile frontend lowers them."""
