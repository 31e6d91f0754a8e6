"""Cameras as Hypersim tells them: poses in HDF5, a projection matrix a scene in a table.

Camera axes are ours: x right, y up, z backward. ``M_cam_from_uv`` maps (u, v, 1), with u to the right and v
upwards from -1 to 1 over the image, to a ray in the camera; ``M_proj`` is the matrix of OpenGL.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from metasim.rendering.camera import Array

NEAR, FAR = 1.0, 1000.0
"""Planes of ``M_proj``, asset units; Hypersim's."""

_FLIP = np.diag([1.0, -1.0, -1.0])


def camera_parameters(intrinsics: Array, size: tuple[int, int]) -> dict[str, int | float]:
    """A row of ``metadata_camera_parameters.csv``, less the name of the scene.

    Args:
        intrinsics: (3, 3) pixel matrix.
        size: Height and width, pixels.
    """
    height, width = size
    matrices = {
        "M_cam_from_uv": _FLIP @ np.linalg.inv(intrinsics) @ _pixel_from_uv(size),
        "M_proj": _projection(intrinsics, size),
    }
    return {
        "settings_output_img_width": width,
        "settings_output_img_height": height,
        "settings_units_info_meters_scale": 1.0,
        **{
            f"{name}_{i}{j}": float(value)
            for name, matrix in matrices.items()
            for (i, j), value in np.ndenumerate(matrix)
        },
    }


def intrinsics_of(row: Mapping[str, str]) -> Array:
    """The pixel matrix (3, 3) of a row of ``metadata_camera_parameters.csv``."""
    size = int(float(row["settings_output_img_height"])), int(float(row["settings_output_img_width"]))
    cam_from_uv = np.array([[float(row[f"M_cam_from_uv_{i}{j}"]) for j in range(3)] for i in range(3)])
    intrinsics = _pixel_from_uv(size) @ np.linalg.inv(cam_from_uv) @ _FLIP
    return intrinsics / intrinsics[2, 2]


def _pixel_from_uv(size: tuple[int, int]) -> Array:
    height, width = size
    return np.array([[width / 2, 0.0, width / 2], [0.0, -height / 2, height / 2], [0.0, 0.0, 1.0]])


def _projection(intrinsics: Array, size: tuple[int, int]) -> Array:
    """Clip space from camera, (4, 4)."""
    matrix = np.zeros((4, 4))
    matrix[[0, 1, 3], :3] = np.linalg.inv(_pixel_from_uv(size)) @ intrinsics @ _FLIP
    matrix[2, 2:] = -(FAR + NEAR) / (FAR - NEAR), -2.0 * FAR * NEAR / (FAR - NEAR)
    return matrix
