"""Benchmarks: what takes longer than a test, as JSON lines."""
