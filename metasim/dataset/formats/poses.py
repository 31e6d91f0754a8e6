"""Poses of oriented boxes: a rotation, a place and a size instead of one matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metasim.base.errors import MetasimError
from metasim.dataset.formats.axes import opencv_from_world
from metasim.dataset.labels import Solid
from metasim.rendering.camera import Array, Camera


@dataclass(frozen=True, eq=False)
class Pose:
    """An oriented box as seen from a camera.

    Attributes:
        instance: Instance id.
        class_id: Class id.
        opencv_from_model: (4, 4), from the box's own axes, centred, to the camera on OpenCV's axes, metres.
        size: Extents (3,) along the box's own axes, metres.
    """

    instance: int
    class_id: int
    opencv_from_model: Array
    size: Array


def split_pose(solid: Solid, camera: Camera) -> Pose:
    """The pose of a box; a mirrored one, which is the same box, is turned back.

    Raises:
        MetasimError: If its edges are not at right angles.
    """
    model = np.eye(4)
    model[:3, :3] = _axes(solid)
    model[:3, 3] = solid.centre
    return Pose(solid.instance, solid.class_id, opencv_from_world(camera) @ model, solid.size)


def join_pose(pose: Pose, camera: Camera) -> Solid:
    """The inverse of ``split_pose``."""
    model = np.linalg.inv(opencv_from_world(camera)) @ pose.opencv_from_model
    return Solid(pose.instance, pose.class_id, model * [*pose.size, 1.0])


def _axes(solid: Solid) -> Array:
    """The box's axes as columns of a rotation; those without extent are chosen."""
    given = solid.size > 0
    axes = np.where(given, solid.world_from_unit[:3, :3] / np.where(given, solid.size, 1.0), 0.0)
    for missing in np.flatnonzero(~given):
        left_over = np.eye(3) - axes @ axes.T  # what is at right angles to the axes so far
        longest = left_over[:, np.linalg.norm(left_over, axis=0).argmax()]
        axes[:, missing] = longest / np.linalg.norm(longest)
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-6):
        raise MetasimError(f"instance {solid.instance}: a slanted box has no pose in this format")
    if np.linalg.det(axes) < 0:
        axes[:, solid.size.argmin()] *= -1
    return axes
