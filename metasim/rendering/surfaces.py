"""Surfaces: the triangles of a scene, each of a thing with a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Surfaces:
    """All that is solid in a scene at one moment.

    Attributes:
        vertices: (V, 3) world coordinates, metres.
        triangles: (T, 3) indices of vertices.
        owners: (T,) number of the thing that each triangle is of.
    """

    vertices: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
