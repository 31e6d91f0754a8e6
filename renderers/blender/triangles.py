"""The triangles of an object of the evaluated scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def triangles_of(
    shape: Any, matrix: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Vertices (V, 3) in the world and triangles (T, 3) of an evaluated object.

    Args:
        shape: The ``bpy.types.Object``, of a type that has a surface.
        matrix: (4, 4) world from the object.
    """
    mesh = shape.data if shape.type == "MESH" else shape.to_mesh()
    if mesh is None:
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    mesh.calc_loop_triangles()
    points = np.empty(3 * len(mesh.vertices), dtype=np.float32)
    corners = np.empty(3 * len(mesh.loop_triangles), dtype=np.int32)
    mesh.vertices.foreach_get("co", points)
    mesh.loop_triangles.foreach_get("vertices", corners)
    if shape.type != "MESH":
        shape.to_mesh_clear()
    placed = points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return placed, corners.reshape(-1, 3).astype(np.int64)
