"""The pinhole camera of an evaluated Blender scene."""

from __future__ import annotations

from typing import Any

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.camera import Camera


def pinhole(depsgraph: Any, size: tuple[int, int]) -> Camera:
    """The camera that a dependency graph evaluates to, shifted sensor and oblong pixels included.

    Args:
        depsgraph: The evaluated scene.
        size: Height and width of the picture, pixels.

    Raises:
        InputError: If the camera is orthographic or panoramic.
    """
    camera, render = depsgraph.scene_eval.camera, depsgraph.scene_eval.render
    if camera.data.type != "PERSP":
        raise InputError(f"camera {camera.name}", camera.data.type.lower(), "a perspective camera")
    height, width = size
    aspect = {"scale_x": render.pixel_aspect_x, "scale_y": render.pixel_aspect_y}
    matrix = camera.calc_matrix_camera(depsgraph, x=width, y=height, **aspect)
    projection = np.array(matrix, dtype=np.float64)
    intrinsics = np.array(
        [
            [projection[0, 0] * width / 2.0, 0.0, (1.0 - projection[0, 2]) * width / 2.0],
            [0.0, projection[1, 1] * height / 2.0, (1.0 + projection[1, 2]) * height / 2.0],
            [0.0, 0.0, 1.0],
        ]
    )
    return Camera(intrinsics, _rigid(np.array(camera.matrix_world, dtype=np.float64)))


def _rigid(matrix: np.ndarray) -> np.ndarray:
    """A pose without the scale that the camera's object may have: scaled cameras see the same."""
    pose = np.eye(4)
    pose[:3, :3] = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    pose[:3, 3] = matrix[:3, 3]
    return pose
