"""Soundness: meshes that are broken are refused before Blender sees them, which they could crash."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from renderers.blender.assets.collada import bad_index

Floats = npt.NDArray[np.float64]

READABLE = (".obj", ".ply", ".stl", ".glb", ".gltf")
"""Suffixes of the files whose triangles are checked as they lie there."""


def check_file(path: Path) -> None:
    """Checks the triangles of a file without Blender, as far as its format can be read so.

    Raises:
        InputError: If the file is broken.
    """
    suffix = path.suffix.lower()
    if suffix in READABLE:
        parts = read_raw(path)
        for part in parts:
            check_indices(str(path), part.faces, len(part.vertices))
        points, faces = _as_one(parts)
        check_triangles(str(path), points, faces)
    if suffix == ".dae":
        try:
            fault = bad_index(path)
        except (ParseError, ValueError, KeyError) as error:
            raise InputError(str(path), f"not readable ({error})", "a Collada file") from error
        if fault:
            raise InputError(str(path), fault, "faces of vertices that are there")


def read_raw(path: Path) -> list[Any]:
    """The ``trimesh.Trimesh`` objects of a file, as they lie there.

    Raises:
        InputError: If the file is not readable.
    """
    trimesh = importlib.import_module("trimesh")
    more = {"skip_materials": True} if path.suffix.lower() == ".obj" else {}
    try:
        scene = trimesh.load_scene(path, process=False, **more)
    except Exception as error:  # readers of damaged files raise whatever comes to them
        reason = " ".join(str(error).split())
        raise InputError(str(path), f"not readable ({reason})", "a sound mesh file") from error
    return [part for part in scene.geometry.values() if isinstance(part, trimesh.Trimesh)]


def check_indices(where: str, faces: npt.NDArray[np.integer[Any]], vertices: int) -> None:
    """Checks that faces, or their corners, name vertices that are there.

    Raises:
        InputError: If one does not.
    """
    bad = (faces < 0) | (faces >= vertices)
    if bad.any():
        raise InputError(
            where, f"a face names vertex {faces[bad].ravel()[0]} of {vertices}", "vertices that are there"
        )


def check_triangles(where: str, vertices: Floats, faces: npt.NDArray[np.integer[Any]]) -> None:
    """Checks triangles, the indices of which are right.

    Args:
        where: Name of the mesh, for the message.
        vertices: (V, 3).
        faces: (F, 3).

    Raises:
        InputError: If there are none, a vertex is not finite, or all of them have no area.
    """
    if not len(faces):
        raise InputError(where, "no faces", "a mesh with faces")
    if not np.isfinite(vertices).all():
        vertex = int(np.nonzero(~np.isfinite(vertices).all(axis=1))[0][0])
        raise InputError(where, f"vertex {vertex} is not finite", "finite vertices")
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if not normals.any():
        raise InputError(where, "no extent: its faces have no area", "a surface")


def _as_one(parts: list[Any]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Vertices and faces of several meshes together."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    points = [np.zeros((0, 3)), *(np.asarray(part.vertices, dtype=np.float64) for part in parts)]
    faces = [part.faces + start for part, start in zip(parts, starts, strict=False)]
    return np.concatenate(points), np.concatenate([np.zeros((0, 3), dtype=np.int64), *faces])
