"""What can be seen in an open Blender file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metasim.rendering.footage import Thing
from renderers.blender.ids import SHAPES, given_name
from renderers.blender.native import load_bpy


def things() -> dict[Thing, Any]:
    """The ``bpy.types.Object`` of each thing, by name; one that is shown many times is one thing.

    These are the bodies of the scene, of collections that are shown in it, and what scatters over others.
    """
    found = {shape.name_full: shape for shape in _bodies() if shape.type in SHAPES}
    return {Thing(name, given_name(found[name])): found[name] for name in sorted(found)}


def _bodies() -> Iterator[Any]:
    bpy = load_bpy()
    for shape in bpy.context.scene.objects:
        if shape.hide_render and shape.animation_data is None:
            continue
        yield shape
        if shape.instance_type == "COLLECTION" and shape.instance_collection is not None:
            yield from shape.instance_collection.all_objects
    for shown in bpy.context.evaluated_depsgraph_get().object_instances:
        if shown.is_instance:
            yield shown.object.original
