"""Places on a sphere around the origin, from which a camera or a sun looks at it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from renderers.blender.tyol.pose import turn


def seen_from(azimuth: float, elevation: float, radius: float) -> npt.NDArray[np.float64]:
    """World matrix (4, 4) of what looks along its -z at the origin, its +y as far up as can be.

    Args:
        azimuth: Degrees about z from the x axis, counter-clockwise seen from above.
        elevation: Degrees above the xy plane.
        radius: Distance from the origin, metres.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = turn(2, azimuth + 90.0) @ turn(0, 90.0 - elevation)
    matrix[:3, 3] = radius * matrix[:3, 2]
    return matrix
