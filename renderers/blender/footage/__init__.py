"""Animated .blend files as they are: all that is in them by name, along their timeline."""
