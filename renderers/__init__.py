"""Engines, one folder each; metasim reaches them only by name."""
