"""The triangles of the open Blender file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metasim.rendering.surfaces import Surfaces
from renderers.blender.ids import SURFACES
from renderers.blender.native import load_bpy
from renderers.blender.triangles import triangles_of


def surfaces(numbers: Mapping[Any, int]) -> Surfaces:
    """All triangles that are rendered at the current frame.

    Args:
        numbers: Number of each object (``bpy.types.Object``) that is a thing; others have -1.
    """
    vertices: list[np.ndarray] = [np.empty((0, 3))]
    triangles: list[np.ndarray] = [np.empty((0, 3), dtype=np.int64)]
    owners: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    total = 0
    for shown in load_bpy().context.evaluated_depsgraph_get().object_instances:
        shape = shown.object
        if shape.type not in SURFACES or shape.hide_render or not shown.show_self:
            continue
        points, corners = triangles_of(shape, np.array(shown.matrix_world, dtype=np.float64))
        vertices.append(points)
        triangles.append(corners + total)
        owners.append(np.full(len(corners), numbers.get(shape.original, -1), dtype=np.int64))
        total += len(points)
    return Surfaces(np.concatenate(vertices), np.concatenate(triangles), np.concatenate(owners))
