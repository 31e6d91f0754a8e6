"""Fit: the size and place of an asset, its box's centre in the origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from metasim.base.streams import stream

Floats = npt.NDArray[np.float64]
Rule = Literal["box", "diameter", "metres"]

ALL_PAIRS = 3000
DIRECTIONS = 400


@dataclass(frozen=True)
class Fit:
    """A point p of the file, in metres, comes to ``scale * p + translation``.

    Attributes:
        scale: Factor of all lengths.
        translation: (3,).
    """

    scale: float
    translation: Floats

    @classmethod
    def of(cls, vertices: Floats, rule: Rule, size: float) -> Fit:
        """Fits a mesh.

        Args:
            vertices: (V, 3); those of its convex hull will do.
            rule: What ``size`` is: the longest edge of its box, or the greatest distance of two of its
                points (BOP's diameter); or ``metres``, to leave it as large as it is.
            size: Metres.
        """
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        lengths = {"box": lambda: float((high - low).max()), "diameter": lambda: diameter(vertices)}
        scale = size / lengths[rule]() if rule in lengths else 1.0
        return cls(scale, -scale * 0.5 * (low + high))

    def __call__(self, vertices: Floats) -> Floats:
        """Where points (..., 3) come to."""
        return self.scale * vertices + self.translation


def hull(vertices: Floats) -> Floats:
    """The points (V, 3) that span the convex hull of others; all of them if those lie in a plane."""
    try:
        return vertices[ConvexHull(vertices).vertices]
    except QhullError:
        return vertices


def diameter(points: Floats) -> float:
    """The greatest distance of two of some points (V, 3); of large round bodies to about a percent.

    Where there are too many for all pairs, those are paired that are extreme in some direction.
    """
    if len(points) > ALL_PAIRS:
        directions = stream(0, "assets/directions").normal(size=(3, DIRECTIONS))
        heights = points @ directions
        points = points[np.union1d(heights.argmax(axis=0), heights.argmin(axis=0))]
    return float(pdist(points).max())
