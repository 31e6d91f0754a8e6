"""Where things stand: attribute values to matrices of the object on the table and of the camera.

World: the table top is the plane z = 0, x points right, y away from the camera at zero roll.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

METRES_PER_LOC = 0.26
"""What one unit of ``loc_x`` and ``loc_z`` is on the table; 1 is the table's centre."""

LOOK_AT = np.array([0.0, 0.0, 0.10])
"""The fixed point that the camera looks at and orbits."""

CAMERA_DISTANCE = 2.2
FIELD_OF_VIEW_DEG = 18.0

DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "object": {"yaw": 0, "pitch": 0, "roll": 0, "loc_x": 1, "loc_z": 1, "warmth": 0, "tint": 0},
    "light": {"intensity": 1},
    "camera": {"camera_pitch": 60, "camera_roll": 0},
    "table": {},
}
"""The attributes of each symbol, with the value that stands where a graph gives none."""


def turn(axis: int, degrees: float) -> Floats:
    """Rotation (3, 3) about a coordinate axis, counter-clockwise seen from its tip."""
    angle = np.deg2rad(degrees)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first] = np.sin(angle)
    matrix[first, second] = -np.sin(angle)
    return matrix


def object_matrix(attributes: Mapping[str, float], vertices: Floats) -> Floats:
    """World matrix (4, 4) of an object that rests on the table with its lowest vertex.

    Yaw is the innermost rotation, about the object's own vertical axis; then pitch about x (positive
    leans it away from its front, towards the camera) and roll about y (positive leans it right). So a
    surface of revolution looks the same at every yaw, however it is tilted.

    Args:
        attributes: All of the object's pose attributes; degrees and loc units.
        vertices: (V, 3) about the pivot, metres.
    """
    rotation = turn(1, attributes["roll"]) @ turn(0, attributes["pitch"]) @ turn(2, attributes["yaw"])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[0, 3] = (attributes["loc_x"] - 1.0) * METRES_PER_LOC
    matrix[1, 3] = (attributes["loc_z"] - 1.0) * METRES_PER_LOC
    matrix[2, 3] = -(vertices @ rotation[2]).min()
    return matrix


def camera_matrix(attributes: Mapping[str, float]) -> Floats:
    """World matrix (4, 4) of the camera, which looks along its -z with +y up.

    Args:
        attributes: ``camera_pitch``, 0 straight down and 90 horizontal, and ``camera_roll`` about the
            optical axis, counter-clockwise as the camera sees the scene turn clockwise; degrees.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = turn(0, attributes["camera_pitch"]) @ turn(2, attributes["camera_roll"])
    matrix[:3, 3] = LOOK_AT + CAMERA_DISTANCE * matrix[:3, 2]
    return matrix
