"""Upright boxes about bodies: the z axis is the world's, the outline the rectangle of least area."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from metasim.rendering.camera import Array

SHORTEST = 1e-9  # of a side against the longest one, below which it has no direction


def upright_box(points: Array, towards: npt.ArrayLike) -> Array:
    """World from the cube [-1/2, 1/2]^3, (4, 4), of the upright box of least area about points.

    Args:
        points: (P, 3) world coordinates.
        towards: (2,) level direction; the x axis of the box is the side that is nearest to it.
    """
    sides = quarter_turns(_narrowest(outline(points[:, :2])))
    x = max(sides, key=lambda side: float(side @ np.asarray(towards, dtype=np.float64)))
    rotation = np.array([[x[0], -x[1], 0.0], [x[1], x[0], 0.0], [0.0, 0.0, 1.0]])
    local = points @ rotation
    low, high = local.min(axis=0), local.max(axis=0)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * (high - low)
    matrix[:3, 3] = rotation @ ((low + high) / 2.0)
    return matrix


def outline(points: Array) -> Array:
    """Those of level points (P, 2) that no others lie about, in order."""
    try:
        return points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # on one line, or fewer than three
        along = points @ np.linalg.svd(points - points.mean(axis=0), full_matrices=True)[2][0]
        return points[[along.argmin(), along.argmax()]]


def quarter_turns(axis: Array) -> list[Array]:
    """A level direction (2,), and what it becomes at each quarter of a turn."""
    across = np.array([-axis[1], axis[0]])
    return [axis, across, -axis, -across]


def _narrowest(corners: Array) -> Array:
    """The direction (2,) of a side of the rectangle of least area about convex corners (N, 2).

    A side of it is one of theirs (Freeman and Shapira 1975).
    """
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(sides, axis=1)
    long = lengths > SHORTEST * max(lengths.max(), 1e-300)
    axes = np.concatenate([sides[long] / lengths[long, None], [[1.0, 0.0]]])
    areas = [np.ptp(corners @ np.stack(quarter_turns(axis)[:2], axis=1), axis=0).prod() for axis in axes]
    return axes[np.argmin(areas)]
