"""Solid: an asset as one Blender mesh, ready to be shown by any number of objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.rendering.asset import Asset
from renderers.blender.assets.fit import Fit, Floats, Rule, hull
from renderers.blender.assets.formats import import_file
from renderers.blender.assets.joining import joined
from renderers.blender.assets.materials import dress, missing_images
from renderers.blender.assets.soundness import check_file, check_triangles
from renderers.blender.ids import given_name


@dataclass(frozen=True)
class Solid:
    """An asset in the Blender file.

    Attributes:
        asset: What it was made from.
        mesh: Its ``bpy.types.Mesh``, all parts in one; the origin is the centre of its box.
        hull: Vertices (V, 3) of its convex hull, metres.
        fit: From the file's metres to the mesh's.
        missing: Image files that its materials ask for in vain.
        colour: RGBA that was chosen for it, where it brings no colours of its own.
    """

    asset: Asset
    mesh: Any
    hull: Floats
    fit: Fit
    missing: tuple[str, ...]
    colour: tuple[float, ...] | None = None


def load_solid(asset: Asset, rule: Rule, size: float) -> Solid:
    """Imports an asset as one mesh, checked and fitted; its cameras, lights and motion are left behind.

    Args:
        asset: The asset.
        rule: How to make it one size, see ``Fit.of``.
        size: Metres.

    Raises:
        InputError: If it is broken.
    """
    check_file(asset.path)
    return solid_of(asset, import_file(asset.path, asset.up), rule, size)


def solid_of(asset: Asset, things: Sequence[Any], rule: Rule, size: float) -> Solid:
    """The same of the ``bpy.types.Object`` that its file, once checked, has brought into the scene."""
    where = str(asset.path)
    mesh = joined(things, where)
    vertices, faces = asset.metres_per_unit * _vertices(mesh), _triangles(mesh)
    check_triangles(where, vertices, faces)
    points = hull(vertices[np.unique(faces)])
    fit = Fit.of(points, rule, size)
    mesh.vertices.foreach_set("co", fit(vertices).astype(np.float32).ravel())
    mesh.update()
    mesh.name = asset.name
    _check_parts(asset, mesh)
    colour = dress(mesh, asset.name)
    return Solid(asset, mesh, fit(points), fit, tuple(missing_images(mesh)), colour)


def _check_parts(asset: Asset, mesh: Any) -> None:
    found = {given_name(material) for material in mesh.materials if material is not None}
    if lost := sorted(asset.parts.keys() - found):
        materials = ", ".join(sorted(found)) or "none"
        raise InputError(str(asset.path), f"no material for its part {lost[0]}", f"parts among {materials}")


def _vertices(mesh: Any) -> Floats:
    flat = np.empty(3 * len(mesh.vertices), dtype=np.float32)
    mesh.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3).astype(np.float64)


def _triangles(mesh: Any) -> npt.NDArray[np.int32]:
    mesh.calc_loop_triangles()
    flat = np.empty(3 * len(mesh.loop_triangles), dtype=np.int32)
    mesh.loop_triangles.foreach_get("vertices", flat)
    return flat.reshape(-1, 3)
