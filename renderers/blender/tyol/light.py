"""The light on the table: a sun whose strength is an attribute, and a fixed dim blue sky."""

from __future__ import annotations

from typing import Any

import numpy as np

from renderers.blender.native import load_bpy
from renderers.blender.tyol.datablocks import add_object, move
from renderers.blender.tyol.pose import turn

SUN_PER_INTENSITY = 3.0
"""Watts per square metre at intensity 1: the palest colour, facing the sun, saturates at about 1.2."""

TINT_STRENGTH = 0.15
"""By how much of itself a colour channel changes at a warmth or tint of 1."""

_SUN_ROTATION = turn(2, -42.0) @ turn(0, 42.0)  # from the front left, 48 degrees above the table
_SUN_WIDTH_DEG = 4.0
_SKY = (0.075, 0.095, 0.15)


def add_sun() -> Any:
    """The sun, as an object of the scene."""
    data = load_bpy().data.lights.new("sun", "SUN")
    data.angle = np.deg2rad(_SUN_WIDTH_DEG)
    sun = add_object("sun", data)
    matrix = np.eye(4)
    matrix[:3, :3] = _SUN_ROTATION
    move(sun, matrix)
    return sun


def add_sky() -> None:
    """Light from everywhere, so that a scene without sun is not black."""
    bpy = load_bpy()
    world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (*_SKY, 1.0)
    bpy.context.scene.world = world


def tinted(warmth: float, tint: float) -> tuple[float, float, float, float]:
    """An object colour: warmth from blue (-1) to amber (1), tint from magenta (-1) to green (1)."""
    red, green, blue = (1.0 + TINT_STRENGTH * np.array([warmth, tint, -warmth])).tolist()
    return red, green, blue, 1.0
