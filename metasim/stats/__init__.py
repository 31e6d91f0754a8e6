"""Kernel distances and two-sample tests: arrays in, numbers out."""
