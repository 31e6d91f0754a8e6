"""Matching where scenes differ in their nodes: which there are, how many, and of which classes."""
