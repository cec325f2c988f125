"""Properties are checked without a deadline: the first call of a function loads its module."""

from hypothesis import settings

settings.register_profile("language", deadline=None)
settings.load_profile("language")
