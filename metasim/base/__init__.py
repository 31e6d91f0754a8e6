"""Errors, seeded random streams and whole-file writes: what every other package may use."""
