"""A camera that goes along a trajectory, in place of the file's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from metasim.rendering.trajectory import Trajectory
from renderers.blender.native import load_bpy

NEAREST = 0.05  # metres that the picture begins at, at most: walks go near to things


def mount(trajectory: Trajectory, frames: range, keyframe_multiplier: float) -> None:
    """Has the scene seen from a trajectory, through the lens of its camera as it stands.

    Args:
        trajectory: Where the camera is, by frames of the file.
        frames: The frames to key, of the stretched timeline.
        keyframe_multiplier: How many of these there are for a frame of the file.
    """
    bpy = load_bpy()
    scene = bpy.context.scene
    lens = scene.camera.data.copy()
    lens.animation_data_clear()
    lens.clip_start = min(lens.clip_start, NEAREST)
    dolly = bpy.data.objects.new("dolly", lens)
    scene.collection.objects.link(dolly)
    dolly.rotation_mode = "QUATERNION"
    scene.camera = dolly
    moments = np.array(frames) * (scene.render.frame_map_old / scene.render.frame_map_new)
    poses = trajectory.at(np.array(frames) / keyframe_multiplier)
    for path, values in (("location", poses[:, :3, 3]), ("rotation_quaternion", _quaternions(poses))):
        _key(dolly, path, moments, values)


def _key(dolly: Any, path: str, moments: np.ndarray, values: np.ndarray) -> None:
    dolly.keyframe_insert(path, frame=0)  # which makes the curves
    for axis in range(values.shape[1]):
        curve = dolly.animation_data.action.fcurves.find(path, index=axis)
        curve.keyframe_points.clear()
        curve.keyframe_points.add(len(moments))
        curve.keyframe_points.foreach_set("co", np.column_stack([moments, values[:, axis]]).ravel())
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
        curve.update()


def _quaternions(poses: np.ndarray) -> np.ndarray:
    """Quaternions (N, 4), w first, each of the sign that is nearer to the one before."""
    turns = Rotation.from_matrix(poses[:, :3, :3]).as_quat()[:, [3, 0, 1, 2]]
    signs = np.sign((turns[1:] * turns[:-1]).sum(axis=1))
    turns[1:] *= np.cumprod(np.where(signs == 0, 1.0, signs))[:, None]
    return turns
