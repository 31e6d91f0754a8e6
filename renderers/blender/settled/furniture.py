"""Furniture and walls, of boxes; metres, standing on z = 0 around the z axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from renderers.blender.assets.materials import matte_plain
from renderers.blender.native import load_bpy

Box = tuple[tuple[float, float, float], tuple[float, float, float]]

_LEGS = [((x - 0.03, y - 0.03, 0.0), (x + 0.03, y + 0.03, 0.68)) for x in (-0.55, 0.55) for y in (-0.3, 0.3)]
_SIDES = [((x - 0.02, -0.2, 0.0), (x + 0.02, 0.2, 0.96)) for x in (-0.48, 0.48)]
_BOARDS = [((-0.5, -0.2, z), (0.5, 0.2, z + 0.04)) for z in (0.1, 0.53, 0.96)]

FURNITURE: Mapping[str, Sequence[Box]] = {
    "table": [((-0.6, -0.35, 0.68), (0.6, 0.35, 0.72)), *_LEGS],
    "shelf": [*_BOARDS, *_SIDES],
    "cabinet": [((-0.4, -0.3, 0.0), (0.4, 0.3, 0.85))],
}
"""The boxes of each class of furniture, by their least and greatest corners."""

SPAN = 2.5
"""Half the width of the floor."""

ROOM: Sequence[Box] = [
    ((-SPAN, -SPAN, -0.05), (SPAN, SPAN, 0.0)),
    ((-SPAN, SPAN, 0.0), (SPAN, SPAN + 0.1, 2.4)),
    ((-SPAN - 0.1, -SPAN, 0.0), (-SPAN, SPAN, 2.4)),
]
"""A floor with walls behind and to the left, open to the light from all other sides."""

_CORNERS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
_FACES = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])


def top(cls: str) -> float:
    """Height of a class of furniture, on which things stand."""
    return max(high[2] for _, high in FURNITURE[cls])


def mesh_of(name: str, boxes: Sequence[Box]) -> Any:
    """A ``bpy.types.Mesh`` of boxes, matte in a colour of its name."""
    low, high = (np.array([box[end] for box in boxes])[:, None] for end in (0, 1))
    vertices = (low + _CORNERS * (high - low)).reshape(-1, 3)
    faces = (_FACES + 8 * np.arange(len(boxes))[:, None, None]).reshape(-1, 4)
    mesh = load_bpy().data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    mesh.materials.append(matte_plain(name))
    return mesh
