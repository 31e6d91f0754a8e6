"""The cameras of ``transforms.json``, as nerfstudio knows them: one lens a file, a pose a frame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from metasim.base.errors import MetasimError
from metasim.dataset.formats.axes import intrinsic_matrix, pinhole
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.rendering.camera import Camera

SENSOR_WIDTH = 36.0
"""Millimetres, by which Blender turns a focal length in pixels into one of a lens."""


def top_level(sample: Sample) -> dict[str, Any]:
    """What all frames of a sequence have in common: size, lens and sensor."""
    assert sample.camera is not None
    height, width, channels = sample.images[Modality.RGB].shape
    fx, fy, cx, cy = pinhole(sample.camera)
    return {
        "fl_x": fx,
        "fl_y": fy,
        "cx": cx,
        "cy": cy,
        "w": width,
        "h": height,
        "c": channels,
        "intrinsics": sample.camera.intrinsics.tolist(),
        "type": "PERSP",
        **_blender_lens(fx, fy, cx, cy, width, height),
    }


def _blender_lens(fx: float, fy: float, cx: float, cy: float, width: int, height: int) -> dict[str, Any]:
    """The same camera in Blender's words: angles in radians, shifts in shares of the sensor's width."""
    angle_x = 2 * math.atan(width / (2 * fx))
    return {
        "angle": angle_x,
        "angle_x": angle_x,
        "angle_y": 2 * math.atan(height / (2 * fy)),
        "lens": fx * SENSOR_WIDTH / width,
        "lens_unit": "MILLIMETERS",
        "sensor_fit": "HORIZONTAL",
        "sensor_width": SENSOR_WIDTH,
        "sensor_height": SENSOR_WIDTH * height / width * fx / fy,
        "shift_x": (width / 2 - cx) / width,
        "shift_y": (cy - height / 2) / width,
    }


def same_lens(first: Sample, sample: Sample) -> None:
    """Refuses a frame whose image or lens differs from that of the first frame of its sequence.

    Raises:
        MetasimError: If it does: the format has one lens a sequence.
    """
    assert first.camera is not None
    assert sample.camera is not None
    same_size = first.images[Modality.RGB].shape == sample.images[Modality.RGB].shape
    if not same_size or not np.array_equal(first.camera.intrinsics, sample.camera.intrinsics):
        raise MetasimError(f"{sample.key}: another lens than the first frame of its sequence")


def camera_of(content: Mapping[str, Any], frame: Mapping[str, Any]) -> Camera:
    """The camera of a frame."""
    k = intrinsic_matrix(*(float(content[name]) for name in ("fl_x", "fl_y", "cx", "cy")))
    return Camera(k, np.array(frame["transform_matrix"], dtype=np.float64).reshape(4, 4))
