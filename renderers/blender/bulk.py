"""Bulk: where the surface of a node lies, all of it together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.rendering.upright import outline, upright_box
from renderers.blender.ids import SURFACES
from renderers.blender.triangles import triangles_of

_CENTRED = 1e-4  # of its size, within which the centre of mass says nothing of a direction
Floats = npt.NDArray[np.float64]


class Bulk:
    """Collects the bodies of a node; its mass is spread evenly over its surface."""

    def __init__(self) -> None:
        self._points: list[Floats] = []
        self._area, self._moment = 0.0, np.zeros(3)

    def add(self, shape: Any, matrix: Floats) -> None:
        """Adds an object of the evaluated scene (``bpy.types.Object``), placed by a matrix (4, 4)."""
        if shape.type not in SURFACES:
            return
        points, corners = triangles_of(shape, matrix)
        if not len(corners):
            return
        heights = points[[points[:, 2].argmin(), points[:, 2].argmax()]]
        level = outline(points[:, :2])
        self._points += [np.column_stack([level, np.full(len(level), points[0, 2])]), heights]
        a, b, c = points[corners].transpose(1, 0, 2)
        areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2.0
        self._area += areas.sum()
        self._moment += areas @ (a + b + c) / 3.0

    def upright(self, ahead: Floats) -> Floats | None:
        """The upright box of least area, (4, 4) world from the cube [-1/2, 1/2]^3, if there is a surface.

        Its x axis is the side nearest to where its mass lies, as Hypersim has it (Roberts et al., ICCV
        2021), or to a direction (3,) where that is in the middle.
        """
        if not self._points:
            return None
        box = upright_box(np.concatenate(self._points), ahead[:2])
        away = self._moment[:2] / max(self._area, 1e-300) - box[:2, 3]
        if np.linalg.norm(away) <= _CENTRED * np.linalg.norm(box[:2, :2]):
            return box
        return upright_box(np.concatenate(self._points), away)
