"""FreeSpace: where a camera may be, and what it sees from there, by rays through a scene's triangles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from metasim.rendering.camera import Array
from metasim.rendering.surfaces import Surfaces

_FEELERS = 128  # directions in which nothing may be near a free point
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


class FreeSpace:
    """The space between surfaces; rays are Embree's.

    Surfaces have no inside here, since those of real scenes often do not close: who starts outside of
    things and never passes through a surface stays outside.

    Args:
        surfaces: The scene; at least one triangle.
        clearance: Metres that a camera keeps from every surface.
    """

    def __init__(self, surfaces: Surfaces, clearance: float) -> None:
        self._mesh = trimesh.Trimesh(surfaces.vertices, surfaces.triangles, process=False)
        self._rays = RayMeshIntersector(self._mesh)
        self._owners = surfaces.owners
        self._clearance = clearance
        self._feelers = _sphere(_FEELERS)

    def is_free(self, points: npt.ArrayLike) -> Flags:
        """Whether no surface is within the clearance of each point (N, 3)."""
        points = np.asarray(points, dtype=np.float64)
        starts = np.repeat(points, len(self._feelers), axis=0)
        distances = self._distances(starts, np.tile(self._feelers, (len(points), 1)))
        return (distances.reshape(len(points), _FEELERS) > self._clearance).all(axis=1)

    def are_joined(self, start: npt.ArrayLike, ends: npt.ArrayLike) -> Flags:
        """Whether the straight way from a point (3,) to each of others (N, 3) is free of surfaces.

        Nothing lies on the way itself, and no surface is within the clearance of points along it.
        """
        start, ends = np.asarray(start, dtype=np.float64), np.asarray(ends, dtype=np.float64)
        joined = self.in_sight(start, ends)
        joined[joined] = self.is_free(ends[joined])
        for number in np.flatnonzero(joined):
            length = np.linalg.norm(ends[number] - start)
            shares = np.linspace(0.0, 1.0, 1 + int(np.ceil(length / self._clearance)))[1:-1]
            joined[number] = self.is_free(start + shares[:, None] * (ends[number] - start)).all()
        return joined

    def in_sight(self, start: npt.ArrayLike, ends: npt.ArrayLike) -> Flags:
        """Whether each of some points (N, 3) is seen from a point (3,)."""
        ways = np.asarray(ends, dtype=np.float64) - np.asarray(start, dtype=np.float64)
        starts = np.broadcast_to(np.asarray(start, dtype=np.float64), ways.shape)
        return self._distances(starts, ways) > np.linalg.norm(ways, axis=1)

    def reach(self, start: npt.ArrayLike, way: npt.ArrayLike) -> float:
        """Metres from a point (3,) along a direction (3,) to the first surface, infinite if there is none."""
        ends = (np.atleast_2d(np.asarray(x, dtype=np.float64)) for x in (start, way))
        return float(self._distances(*ends)[0])

    def seen(self, pose: Array, rays: Array) -> Numbers:
        """Number of the thing that each ray of a camera meets first, -1 for none.

        Args:
            pose: (4, 4) world from camera.
            rays: (..., 3) directions in the camera's frame.
        """
        ways = rays.reshape(-1, 3) @ pose[:3, :3].T
        triangles = self._rays.intersects_first(np.broadcast_to(pose[:3, 3], ways.shape), ways)
        return np.where(triangles >= 0, self._owners[triangles], -1)

    def _distances(self, starts: Array, ways: Array) -> Array:
        """Metres (N,) to the first surface, infinite where there is none."""
        distances = np.full(len(starts), np.inf)
        places, hits, _ = self._rays.intersects_location(starts, ways, multiple_hits=False)
        distances[hits] = np.linalg.norm(places - starts[hits], axis=1)
        return distances


def _sphere(number: int) -> Array:
    """Unit vectors (N, 3), evenly spread by the golden angle (Fibonacci's lattice)."""
    height = 1.0 - (2.0 * np.arange(number) + 1.0) / number
    angle = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(number)
    level = np.sqrt(1.0 - height**2)
    return np.stack([level * np.cos(angle), level * np.sin(angle), height], axis=1)
