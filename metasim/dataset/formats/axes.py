"""Conventions of others: OpenCV's axes, normals in the camera's frame, finite backgrounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metasim.base.errors import MetasimError
from metasim.dataset.labels import Image
from metasim.rendering.camera import Array, Camera

FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
"""From OpenGL's camera axes (x right, y up, z backward) to OpenCV's (x right, y down, z forward) and back."""


def opencv_from_world(camera: Camera) -> Array:
    """The (4, 4) pose by which OpenCV maps world points into the camera, metres."""
    return FLIP @ np.linalg.inv(camera.world_from_camera)


def camera_of_opencv(intrinsics: Array, opencv_from_world: Array) -> Camera:
    """The camera whose OpenCV pose, see ``opencv_from_world``, is given."""
    return Camera(intrinsics, np.linalg.inv(opencv_from_world) @ FLIP)


def pinhole(camera: Camera) -> tuple[float, float, float, float]:
    """Focal lengths and principal point (fx, fy, cx, cy) in pixels; pixel centres lie at half-integers.

    Raises:
        MetasimError: If the camera has skew, which four numbers cannot say.
    """
    k = camera.intrinsics
    if k[0, 1] or k[1, 0]:
        raise MetasimError("a camera with skew cannot be written in this format")
    return float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2])


def intrinsic_matrix(fx: float, fy: float, cx: float, cy: float) -> Array:
    """The (3, 3) matrix of a pinhole."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def normals_in_camera(normals: Image, camera: Camera) -> npt.NDArray[np.float32]:
    """World normals (H, W, 3) on the camera's OpenGL axes, 0 on the background."""
    turned = np.nan_to_num(normals.astype(np.float64)) @ camera.world_from_camera[:3, :3]
    return turned.astype(np.float32)


def normals_in_world(normals: Image, camera: Camera) -> npt.NDArray[np.float32]:
    """The inverse of ``normals_in_camera``; NaN on the background."""
    turned = normals.astype(np.float64) @ camera.world_from_camera[:3, :3].T
    return np.where(normals.any(axis=-1, keepdims=True), turned, np.nan).astype(np.float32)


def finite_depth(depth: Image, background: float) -> npt.NDArray[np.float32]:
    """Depths (H, W) with another number on the background."""
    return np.where(np.isfinite(depth), depth, np.float32(background)).astype(np.float32)


def infinite_depth(depth: Image, background: float) -> npt.NDArray[np.float32]:
    """The inverse of ``finite_depth``."""
    return np.where(depth == np.float32(background), np.float32(np.inf), depth).astype(np.float32)
