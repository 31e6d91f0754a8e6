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
from renderers.blender.assets.ply import Ply

Floats = npt.NDArray[np.float64]

READABLE = (".obj", ".ply", ".stl", ".glb", ".gltf")
"""Suffixes of the files whose triangles are checked as they lie there."""


def check_file(path: Path) -> None:
    """Checks the faces of a file without Blender, as far as its format can be read so.

    Raises:
        InputError: If the file is broken.
    """
    suffix, where = path.suffix.lower(), str(path)
    if suffix == ".ply":
        ply = Ply.read(path)
        check_indices(where, ply.corners, len(ply.vertices))
        check_vertices(where, ply.vertices)
    elif suffix in READABLE:
        parts = _parts(path)
        if not any(len(part.faces) for part in parts):
            raise InputError(where, "no faces", f"a {suffix} file with a mesh")
        for part in parts:
            check_indices(where, part.faces, len(part.vertices))
            check_vertices(where, np.asarray(part.vertices))
    elif suffix == ".dae":
        try:
            fault = bad_index(path)
        except (ParseError, ValueError, KeyError) as error:
            raise InputError(where, f"not readable ({error})", "a Collada file") from error
        if fault:
            raise InputError(where, fault, "faces of vertices that are there")


def _parts(path: Path) -> list[Any]:
    """The ``trimesh.Trimesh`` objects of a file, as they lie there."""
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


def check_vertices(where: str, vertices: Floats) -> None:
    """Checks that vertices (V, 3) are finite.

    Raises:
        InputError: If one is not.
    """
    bad = np.nonzero(~np.isfinite(vertices).all(axis=-1))[0]
    if len(bad):
        raise InputError(where, f"vertex {bad[0]} is not finite", "finite vertices")


def check_triangles(where: str, vertices: Floats, faces: npt.NDArray[np.integer[Any]]) -> None:
    """Checks a mesh of triangles, the indices of which are right.

    Args:
        where: Name of the mesh, for the message.
        vertices: (V, 3).
        faces: (F, 3).

    Raises:
        InputError: If there are none, a vertex is not finite, or all of them have no area.
    """
    check_vertices(where, vertices)
    if not len(faces):
        raise InputError(where, "no faces", "a mesh with faces")
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if not normals.any():
        raise InputError(where, "no extent: its faces have no area", "a surface")
