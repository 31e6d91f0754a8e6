"""The table's texture: fixed irregular stones, so that a glance at the table tells the camera's pose."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from metasim.base.streams import stream
from renderers.blender.tyol.mesh import Mesh
from renderers.blender.tyol.paint import Floats, Image

HALF_WIDTH = 1.6
"""Half the width of the square table, metres."""

_STONES = 700
_TEXELS = 512
_JOINT = 0.006
_PALETTE = np.array([[196, 184, 166], [176, 170, 162], [206, 198, 184], [186, 168, 148], [166, 164, 166]])


def table_mesh() -> Mesh:
    """The table top, the square of this half width about the origin."""
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
    vertices = np.column_stack([corners * HALF_WIDTH, np.zeros(4)])
    return Mesh(vertices, faces, 0.5 + 0.5 * corners[faces], np.zeros(2, dtype=bool))


def table_texture() -> Image:
    """Paving (H, W, 3) sRGB of albedo about .35 to .65, the same in every scene; one stone is 12 cm wide."""
    rng = stream(0, "tyol/table")
    stones = rng.uniform(-1.1, 1.1, (_STONES, 2)) * HALF_WIDTH
    colours = _PALETTE[rng.integers(len(_PALETTE), size=_STONES)] * rng.uniform(0.93, 1.05, (_STONES, 1))
    axis = ((np.arange(_TEXELS) + 0.5) / _TEXELS * 2.0 - 1.0) * HALF_WIDTH
    x, y = np.meshgrid(axis, -axis)
    image = _pave(np.stack([x, y], axis=-1), stones, colours)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _pave(points: Floats, stones: Floats, colours: Floats) -> Floats:
    """Each point in the colour of the nearest stone, darker towards the joints."""
    distance, nearest = KDTree(stones).query(points, k=2)
    gap = distance[..., 1] - distance[..., 0]
    shade = 0.88 + 0.12 * np.clip(gap / (2.0 * _JOINT), 0.0, 1.0)
    return colours[np.asarray(nearest)[..., 0]] * shade[..., None]
