"""From metasim's axes to Unity's and back; see PROTOCOL.md, section 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

Floats = npt.NDArray[np.float64]

SWAP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
"""Exchange of y and z: points and normals of one world in the other, both ways."""

FORWARD = np.diag([1.0, 1.0, -1.0])
"""The cameras' own axes: Unity's looks along +z, metasim's along -z."""

ANGLES = ("yaw", "pitch", "roll")


def node_rotation(attributes: Mapping[str, float]) -> list[float]:
    """Quaternion (x, y, z, w) in Unity's axes of what yaw, pitch and roll mean together, in degrees."""
    angles = [attributes.get(name, 0.0) for name in ANGLES]
    x, y, z, w = Rotation.from_euler("zxy", angles, degrees=True).as_quat().tolist()
    return [-x, -z, -y, w]


def camera_to_unity(pose: Floats) -> tuple[list[float], list[float]]:
    """Position and quaternion in Unity of a camera's pose (4, 4) in metasim."""
    rotation = Rotation.from_matrix(SWAP @ pose[:3, :3] @ FORWARD)
    return (SWAP @ pose[:3, 3]).tolist(), rotation.as_quat().tolist()


def camera_from_unity(position: Sequence[float], rotation: Sequence[float]) -> Floats:
    """Pose (4, 4) in metasim of a camera in Unity.

    Raises:
        ValueError: If the quaternion is zero.
    """
    pose = np.eye(4)
    pose[:3, :3] = SWAP @ Rotation.from_quat(rotation).as_matrix() @ FORWARD
    pose[:3, 3] = SWAP @ position
    return pose
