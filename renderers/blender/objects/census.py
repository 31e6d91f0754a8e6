"""Census: what the file of an asset holds, counted before its surfaces become one mesh."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from renderers.blender.native import load_bpy


def census(things: Sequence[Any], path: Path) -> dict[str, Any]:
    """Counts as Objaverse-XL's metadata names them, as JSON data.

    Args:
        things: The ``bpy.types.Object`` that the file has brought into a Blender file with no other's.
        path: The file.
    """
    shown = [thing.data for thing in things if thing.type == "MESH"]
    materials = {slot.material for thing in things for slot in thing.material_slots if slot.material}
    keyed = [mesh.shape_keys.key_blocks for mesh in set(shown) if mesh.shape_keys]
    return {
        "animation_count": len(load_bpy().data.actions),
        "armature_count": sum(thing.type == "ARMATURE" for thing in things),
        "edge_count": sum(len(mesh.edges) for mesh in shown),
        "lamp_count": sum(thing.type == "LIGHT" for thing in things),
        "linked_files": _linked(path),
        "material_count": len(materials),
        "mesh_count": len(shown),
        "object_count": len(things),
        "poly_count": sum(len(mesh.polygons) for mesh in shown),
        "shape_key_count": sum(len(keys) - 1 for keys in keyed),  # the first is the mesh as it rests
        "vert_count": sum(len(mesh.vertices) for mesh in shown),
    }


def relative(path: str, folder: Path) -> str:
    """A path as Blender has it, seen from a folder: equal wherever that lies."""
    return Path(os.path.relpath(load_bpy().path.abspath(path), folder)).as_posix()


def _linked(path: Path) -> list[str]:
    """The files that an asset refers to."""
    data = load_bpy().data
    outside = [picture for picture in data.images if picture.filepath and not picture.packed_file]
    linked = {relative(thing.filepath, path.parent) for thing in [*outside, *data.libraries]}
    return sorted(linked - {path.name})
