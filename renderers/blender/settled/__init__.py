"""Scenes in which the user's own meshes fall until they rest: on a table, on furniture in a room."""
