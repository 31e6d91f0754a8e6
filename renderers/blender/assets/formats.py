"""Formats: a file of any of them as objects of the Blender file, in metres where it says so, z up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.asset import Up
from renderers.blender.assets.ply import add_ply
from renderers.blender.native import load_bpy
from renderers.blender.tyol.datablocks import add_object

UP_OF: Mapping[str, Up] = {".obj": "y", ".ply": "z", ".stl": "z"}
"""What is taken to point up in the formats that do not say; modellers write y in obj files, scanners z."""

_AXES = {
    "y": {"forward_axis": "NEGATIVE_Z", "up_axis": "Y"},
    "z": {"forward_axis": "Y", "up_axis": "Z"},
}


def import_file(path: Path, up: Up | None = None) -> list[Any]:
    """Adds all that a file holds to the scene, cameras and lights too; nothing is evaluated yet.

    The files that ``check_file`` can read should have passed it: Blender leaves out bad faces of theirs in
    silence. Others may crash the process, see ``rehearse``.

    Args:
        path: A file of one of ``SUFFIXES``.
        up: Axis that points up in a format of ``UP_OF``.

    Returns:
        The new ``bpy.types.Object``.

    Raises:
        InputError: If Blender cannot read it.
    """
    bpy = load_bpy()
    suffix = path.suffix.lower()
    before = set(bpy.data.objects)
    try:
        _IMPORTERS[suffix](str(path.absolute()), up or UP_OF.get(suffix, "z"))
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).removeprefix("Error: ").split())
        raise InputError(str(path), reason, f"a readable {suffix} file") from error
    return [thing for thing in bpy.data.objects if thing not in before]


def _add_blend(path: str, _: Up) -> None:
    """Copies all objects of another Blender file; its scripts do not run."""
    bpy = load_bpy()
    with bpy.data.libraries.load(path, link=False) as (theirs, ours):
        ours.objects = theirs.objects
    for thing in ours.objects:
        bpy.context.scene.collection.objects.link(thing)


def _add_ply(path: str, up: Up) -> None:
    thing = add_object(Path(path).stem, add_ply(Path(path)))
    if up == "y":
        thing.rotation_euler[0] = np.pi / 2.0


def _operator(group: str, name: str, **options: Any) -> Callable[[str, Up], None]:
    def run(path: str, _: Up) -> None:
        getattr(getattr(load_bpy().ops, group), name)(filepath=path, **options)

    return run


def _turned(name: str) -> Callable[[str, Up], None]:
    def run(path: str, up: Up) -> None:
        getattr(load_bpy().ops.wm, name)(filepath=path, **_AXES[up])

    return run


_gltf = _operator("import_scene", "gltf")
_usd = _operator("wm", "usd_import")
_IMPORTERS: Mapping[str, Callable[[str, Up], None]] = {
    ".obj": _turned("obj_import"),
    ".ply": _add_ply,
    ".stl": _turned("stl_import"),
    ".glb": _gltf,
    ".gltf": _gltf,
    ".fbx": _operator("wm", "fbx_import"),
    ".usd": _usd,
    ".usda": _usd,
    ".usdc": _usd,
    ".usdz": _usd,
    ".abc": _operator("wm", "alembic_import", as_background_job=False),
    ".dae": _operator("wm", "collada_import", import_units=True),
    ".blend": _add_blend,
}

SUFFIXES = tuple(_IMPORTERS)
"""Suffixes of the files that can be assets."""
