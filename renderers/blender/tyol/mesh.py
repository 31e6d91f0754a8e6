"""Mesh: textured triangles in numpy, and the two ways all objects here are made: loft and tube."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Region = tuple[float, float, float, float]
Corners = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]
"""Of the corners (F, 3) of some triangles: vertex, row of its ring, texture coordinate u."""

_EDGE = 0.005  # more than half a texel: textures repeat, so their lower and upper edge must not meet


@dataclass(frozen=True)
class Mesh:
    """Triangles with texture coordinates, counter-clockwise seen from outside.

    Attributes:
        vertices: (V, 3) positions, metres once fitted; z is the object's own vertical axis.
        faces: (F, 3) vertex indices.
        uvs: (F, 3, 2) texture coordinates of the face corners, (0, 0) at the texture's lower left.
        smooth: (F,) whether a face is shaded smoothly.
    """

    vertices: Floats
    faces: npt.NDArray[np.int32]
    uvs: Floats
    smooth: npt.NDArray[np.bool_]


def ring(count: int, half_x: float, half_y: float, z: float, exponent: float = 2.0) -> Floats:
    """A horizontal superellipse (count, 3): an ellipse at exponent 2, nearly a rectangle at 8.

    Point 0 lies on +x, points run counter-clockwise seen from above, and the diagonals of the
    bounding rectangle are met at the odd eighths of the turn.
    """
    angle = 2.0 * np.pi * np.arange(count) / count
    cos, sin = np.cos(angle), np.sin(angle)
    power = 2.0 / exponent
    x = half_x * np.sign(cos) * np.abs(cos) ** power
    y = half_y * np.sign(sin) * np.abs(sin) ** power
    return np.stack([x, y, np.full(count, z)], axis=-1)


def loft(
    rings: Sequence[Floats],
    heights: Sequence[float],
    region: Region = (0.0, 0.0, 1.0, 1.0),
    smooth: bool = True,
) -> Mesh:
    """The closed skin over a stack of rings; fans about the rings' centres close both ends.

    Args:
        rings: Rings (N, 3) of equal length. Where they rise, they run counter-clockwise seen from above.
        heights: Texture height v in [0, 1] of each ring; u runs once around.
        region: Part (u0, v0, u1, v1) of the texture that this skin uses.
        smooth: Whether it is shaded smoothly.
    """
    stack = np.stack(rings)
    rows, count = stack.shape[:2]
    skin = [_band(row, count) for row in range(rows - 1)]
    fans = [_fan(0, count, rows * count, up=False), _fan(rows - 1, count, rows * count + 1, up=True)]
    faces, corner_rows, corner_u = (np.concatenate(parts) for parts in zip(*skin, *fans, strict=True))
    low, high = np.array(region[:2]), np.array(region[2:])
    corner_v = np.asarray(heights, dtype=np.float64)[corner_rows]
    uvs = low + np.stack([corner_u, corner_v], axis=-1) * (high - low)
    uvs[..., 1] = uvs[..., 1].clip(_EDGE, 1.0 - _EDGE)
    centres = np.stack([stack[0].mean(axis=0), stack[-1].mean(axis=0)])
    vertices = np.concatenate([stack.reshape(-1, 3), centres])
    return Mesh(vertices, faces.astype(np.int32), uvs, np.full(len(faces), smooth))


def _band(row: int, count: int) -> Corners:
    """The triangles between a ring and the next."""
    column = np.repeat(np.arange(count), 2)[:, None] + np.tile([[0, 1, 1], [0, 1, 0]], (count, 1))
    rows = row + np.tile([[0, 0, 1], [0, 1, 1]], (count, 1))
    return rows * count + column % count, rows, column / count


def _fan(row: int, count: int, centre: int, up: bool) -> Corners:
    """The triangles between a ring and a vertex at its centre, seen from above or from below."""
    edge = np.arange(count)[:, None] + ([0, 1] if up else [1, 0])
    faces = np.column_stack([np.full(count, centre), row * count + edge % count])
    middle = np.arange(count) + 0.5
    return faces, np.full((count, 3), row), np.column_stack([middle, edge]) / count


def tube(
    path: Floats,
    width: float,
    thickness: float,
    across: Floats,
    count: int = 10,
    region: Region = (0, 0, 1, 1),
) -> Mesh:
    """A closed tube of elliptic section along a plane curve.

    Args:
        path: (M, 3) points of the curve.
        width: Half of the section's extent along ``across``.
        thickness: Half of its extent in the curve's plane.
        across: Unit normal (3,) of the curve's plane.
        count: Corners of a section.
        region: Part of the texture that it uses.
    """
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    aside = np.cross(across, tangent)
    angle = 2.0 * np.pi * np.arange(count) / count
    sections = [
        point + thickness * np.outer(np.cos(angle), -side) + width * np.outer(np.sin(angle), across)
        for point, side in zip(path, aside, strict=True)
    ]
    return loft(sections, np.linspace(0.0, 1.0, len(path)).tolist(), region)


def merge(*parts: Mesh) -> Mesh:
    """Several meshes as one."""
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([p.faces + o for p, o in zip(parts, offsets, strict=True)]).astype(np.int32),
        np.concatenate([part.uvs for part in parts]),
        np.concatenate([part.smooth for part in parts]),
    )


def fit(mesh: Mesh, radius: float) -> Mesh:
    """The mesh with its pivot at half height on its z axis, in the ball of this radius about it."""
    low, high = mesh.vertices[:, 2].min(), mesh.vertices[:, 2].max()
    centred = mesh.vertices - np.array([0.0, 0.0, 0.5 * (low + high)])
    return replace(mesh, vertices=centred * (radius / np.linalg.norm(centred, axis=1).max()))
