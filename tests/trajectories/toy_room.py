"""A room of axis-parallel blocks, with rays through it in closed form, for tests of free space.

Most of its things stand together in one corner, so that views differ in what they show.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import trimesh

from metasim.rendering.surfaces import Surfaces

Floats = npt.NDArray[np.float64]

ROOM = np.array([[-4.0, -3.0, 0.0], [4.0, 3.0, 2.7]])
WALLS = 6
THINGS = np.array(
    [
        [[2.0, 1.0, 0.0], [3.6, 2.4, 0.8]],  # a table
        [[2.2, 1.2, 0.8], [2.4, 1.4, 1.1]],
        [[2.6, 1.3, 0.8], [2.8, 1.6, 1.3]],
        [[3.0, 1.8, 0.8], [3.3, 2.1, 1.0]],
        [[2.3, 1.9, 0.8], [2.5, 2.2, 1.2]],
        [[1.2, 2.0, 0.0], [1.6, 2.5, 1.0]],
        [[3.0, 0.2, 0.0], [3.4, 0.6, 1.2]],
        [[-1.0, -0.4, 0.0], [-0.5, 0.4, 2.7]],  # a pillar
        [[-3.5, -2.8, 0.0], [-2.5, -2.0, 0.5]],
    ]
)


def room_surfaces() -> Surfaces:
    """The blocks, then the walls; each block and each wall is a thing."""
    meshes = [trimesh.creation.box(bounds=block) for block in (*THINGS, ROOM)]
    counts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    owners = [np.full(len(mesh.faces), number) for number, mesh in enumerate(meshes[:-1])]
    sides = np.repeat(len(THINGS) + np.arange(WALLS), 2)
    order = np.argsort([np.abs(n).argmax() * 2 + (n.sum() > 0) for n in meshes[-1].face_normals])
    walls = np.empty(len(order), dtype=np.int64)
    walls[order] = sides
    return Surfaces(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + count for mesh, count in zip(meshes, counts[:-1], strict=True)]),
        np.concatenate([*owners, walls]),
    )


def clearance(points: Floats) -> Floats:
    """Metres (N,) from points (N, 3) to the nearest surface; negative in a block or beyond the walls."""
    inside = np.minimum(points - ROOM[0], ROOM[1] - points).min(axis=1)
    over = np.maximum(THINGS[:, 0] - points[:, None], points[:, None] - THINGS[:, 1])
    outside = np.linalg.norm(np.maximum(over, 0.0), axis=2)
    signed = np.where(outside > 0.0, outside, over.max(axis=2))
    return np.minimum(inside, signed.min(axis=1))


def first_met(starts: Floats, ways: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Number of the thing that each ray (N, 3) from (N, 3) in the room meets first, and how many ways off."""
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = ((THINGS[:, i] - starts[:, None]) / ways[:, None] for i in (0, 1))
        walls = (np.where(ways > 0, ROOM[1], ROOM[0]) - starts) / ways
    enter, leave = np.minimum(near, far).max(axis=2), np.maximum(near, far).min(axis=2)
    blocks = np.where((enter <= leave) & (enter > 0.0), enter, np.inf)
    axis = walls.argmin(axis=1)
    wall = len(THINGS) + 2 * axis + (ways[np.arange(len(ways)), axis] > 0)
    block = blocks.argmin(axis=1)
    distance = np.minimum(blocks.min(axis=1), walls.min(axis=1))
    return np.where(blocks.min(axis=1) < walls.min(axis=1), block, wall), distance


def view_rays(height: int = 18, width: int = 24, field: float = 60.0) -> Floats:
    """Rays (R, 3) of a camera with a field of view of some degrees across."""
    half = np.tan(np.deg2rad(field / 2))
    across = np.linspace(-half, half, width)
    down = np.linspace(half, -half, height) * height / width
    return np.array([(x, y, -1.0) for y, x in product(down, across)])
