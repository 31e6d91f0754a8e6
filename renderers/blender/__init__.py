"""Blender (bpy, Cycles) as a renderer."""
