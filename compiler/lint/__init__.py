"""Warnings about definitions that are valid and most likely wrong. They never change the result."""
