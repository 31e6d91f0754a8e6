"""Meshes of the user's own: found in a folder, checked, made one size, put on the stage."""
