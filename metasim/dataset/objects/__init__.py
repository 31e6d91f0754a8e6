"""Views of many mesh files: where cameras stand, how it is lit, what counts as a view, which files fail."""
