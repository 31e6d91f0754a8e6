"""Where a camera looks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metasim.rendering.camera import Array

UP = (0.0, 0.0, 1.0)


def look_at(position: npt.ArrayLike, target: npt.ArrayLike, up: npt.ArrayLike = UP) -> Array:
    """World-from-camera pose (4, 4) of a camera that looks at a point.

    Args:
        position: (3,) where it is, metres.
        target: (3,) what it looks at.
        up: (3,) what is above in its picture; not along the line of sight.
    """
    position = np.asarray(position, dtype=np.float64)
    backward = position - np.asarray(target, dtype=np.float64)
    backward /= np.linalg.norm(backward)
    right = np.cross(np.asarray(up, dtype=np.float64), backward)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(backward, right), backward], axis=1)
    pose[:3, 3] = position
    return pose
