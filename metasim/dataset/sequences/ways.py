"""How the camera goes through a scene: as the file has it, or along a trajectory that is made or read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.rendering.camera import Array, Camera
from metasim.rendering.footage import Footage
from metasim.rendering.trajectory import Trajectory
from metasim.trajectories.free_space import FreeSpace
from metasim.trajectories.orbit import Orbit
from metasim.trajectories.walk import RandomWalk

ANIMATION, ORBIT, WALK = "animation", "orbit", "walk"
MADE = (ORBIT, WALK)
"""Trajectories that are made, of any length; both need the scene's surfaces."""

CLEARANCE = 0.2
"""Metres that a walk keeps from all surfaces."""

_RAYS = 32  # across the longer side of a view that is scored


def find_way(kind: str, name: str, footage: Footage, keys: int, seed: int) -> Trajectory | None:
    """The trajectory of a scene's camera, by frames of its file.

    Args:
        kind: ``animation``, ``orbit``, ``walk``, or a folder with a folder of each scene.
        name: Name of the scene.
        footage: What it shows.
        keys: Keyframes of a trajectory that is made.
        seed: Root seed; a walk depends on it and the name alone.

    Returns:
        ``None`` for the file's own camera.

    Raises:
        InputError: If a trajectory cannot be read, or there is no place to begin a walk.
    """
    if kind == ANIMATION:
        return None
    if kind not in MADE:
        return Trajectory.load(Path(kind) / name)
    if footage.surfaces is None or not len(footage.surfaces.triangles):
        raise InputError(f"scene {name}", "without surfaces", f"some for an {ORBIT} or a {WALK}")
    space = FreeSpace(footage.surfaces, CLEARANCE)
    if kind == ORBIT:
        return _orbit(footage, space).trajectory(keys, footage.first, footage.frame_rate)
    place, rays = footage.camera.world_from_camera[:3, 3], _rays(footage.camera, footage.size)
    walk = RandomWalk(space, place, rays)
    return walk.trajectory(keys, stream(seed, f"walk/{name}"), footage.first, footage.frame_rate)


def _orbit(footage: Footage, space: FreeSpace) -> Orbit:
    """Round what the file's camera has in the middle of its view, as far off and as high as it is."""
    pose = footage.camera.world_from_camera
    place, ahead = pose[:3, 3], -pose[:3, 2]
    distance = space.reach(place, ahead)
    if not np.isfinite(distance):
        raise InputError(
            "orbit", "a camera with nothing in the middle of its view", "one that looks at something"
        )
    elevation = np.rad2deg(np.arcsin(np.clip(-ahead[2], -1.0, 1.0)))
    if abs(elevation) > 89.0:
        raise InputError("orbit", "a camera that looks straight up or down", "one that looks from the side")
    azimuth = np.rad2deg(np.arctan2(-ahead[1], -ahead[0]))
    x, y, z = (place + distance * ahead).tolist()
    return Orbit((x, y, z), float(distance), float(elevation), float(azimuth))


def _rays(camera: Camera, size: tuple[int, int]) -> Array:
    """Rays (R, 3) evenly over a camera's picture."""
    step = max(1, max(size) // _RAYS)
    return camera.rays(*size)[step // 2 :: step, step // 2 :: step].reshape(-1, 3)
