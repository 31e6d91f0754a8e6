"""Sequences of many animated scene files: which frames, how the camera goes, several files at a time."""
