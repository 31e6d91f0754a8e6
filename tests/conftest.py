"""Settings of every test: property tests draw the same cases each time and have no deadline."""

from hypothesis import settings

settings.register_profile("metasim", deadline=None, derandomize=True)
settings.load_profile("metasim")
