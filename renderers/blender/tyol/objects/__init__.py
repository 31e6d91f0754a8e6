"""Five everyday objects in numpy: a mesh and a texture each, all of one size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from renderers.blender.tyol.mesh import Mesh, fit
from renderers.blender.tyol.objects.basket import basket_mesh, basket_texture
from renderers.blender.tyol.objects.bowl import bowl_mesh, bowl_texture
from renderers.blender.tyol.objects.lunch_box import lunch_box_mesh, lunch_box_texture
from renderers.blender.tyol.objects.mug import mug_mesh, mug_texture
from renderers.blender.tyol.objects.shoe import shoe_mesh, shoe_texture
from renderers.blender.tyol.paint import Image

RADIUS = 0.15
"""Radius in metres of the ball about its pivot that each object just fits in."""

_MAKERS: dict[str, tuple[Callable[[], Mesh], Callable[[], Image]]] = {
    "shoe": (shoe_mesh, shoe_texture),
    "mug": (mug_mesh, mug_texture),
    "basket": (basket_mesh, basket_texture),
    "bowl": (bowl_mesh, bowl_texture),
    "lunch_box": (lunch_box_mesh, lunch_box_texture),
}
CLASSES = tuple(_MAKERS)


@dataclass(frozen=True)
class Prop:
    """An object to put on the table.

    Attributes:
        mesh: Its triangles about the pivot, metres.
        texture: Its colours (H, W, 3), sRGB, row 0 on top.
    """

    mesh: Mesh
    texture: Image


def make_prop(cls: str) -> Prop:
    """Makes the object of a class; ``KeyError`` if there is none."""
    mesh, texture = _MAKERS[cls]
    return Prop(fit(mesh(), RADIUS), texture())
