"""What an open .blend file offers to bind: the numbers that one would want to move, with their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from metasim.base.errors import InputError
from metasim.rendering.inspection import Bindable
from renderers.blender.blend.path import DataPath, Field, Item, Step
from renderers.blender.blend.resolve import resolve
from renderers.blender.blend.slot import UNTURNED
from renderers.blender.blend.units import factor, natural_unit
from renderers.blender.ids import SHAPES
from renderers.blender.native import load_bpy

_PLACE = ("location", "rotation_euler")
_OF_LIGHTS = ("energy", "color", "angle", "spot_size", "size", "shadow_soft_size")
_OF_CAMERAS = {"PERSP": ("lens",), "ORTHO": ("ortho_scale",)}


def survey() -> Iterator[Bindable]:
    """Every number that is offered; those of nodes only where no other node feeds them."""
    for path in _paths():
        try:
            slot = resolve(path, str(path))
        except InputError:  # an input that is fed, a property that this kind of light has not
            continue
        unit = natural_unit(slot.dimension)
        value = slot.meant(slot.read()) / factor(unit, slot.dimension, str(path))
        yield Bindable(str(path), value, unit)


def choices() -> dict[str, tuple[str, ...]]:
    """Collections of several bodies, one of which may be shown by its class; names by path."""
    found: dict[str, tuple[str, ...]] = {}
    for collection in load_bpy().data.collections:
        names = tuple(s.name for s in collection.objects if s.type in SHAPES and s.parent is None)
        if len(names) > 1:
            found[str(DataPath("collections", (Item(collection.name),)))] = names
    return found


def _paths() -> Iterator[DataPath]:
    bpy = load_bpy()
    scene = bpy.context.scene
    for shape in scene.objects:
        if shape.rotation_mode in UNTURNED:
            shape.rotation_mode = "XYZ"  # the angles that a binding will find
        yield from _of_object(shape)
    for light in _used(shape.data for shape in scene.objects if shape.type == "LIGHT"):
        yield from _fields("lights", light, _OF_LIGHTS)
    camera = scene.camera.data
    yield from _fields("cameras", camera, _OF_CAMERAS.get(camera.type, ()))
    for material in bpy.data.materials:
        if material.users and material.node_tree is not None:
            yield from _of_nodes("materials", material)
    if scene.world is not None and scene.world.node_tree is not None:
        yield from _of_nodes("worlds", scene.world)
    if bpy.data.actions:
        yield DataPath("scene", (Field("frame_current"),))


def _used(blocks: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(blocks))


def _of_object(shape: Any) -> Iterator[DataPath]:
    start, has_body = Item(shape.name), shape.type in SHAPES
    yield from _fields("objects", shape, (*_PLACE, "scale") if has_body else _PLACE)
    if has_body:
        yield DataPath("objects", (start, Field("hide_render")), negated=True)
    yield from (DataPath("objects", (start, Item(name))) for name in _keys(shape))
    for modifier in shape.modifiers:
        steps = (start, Field("modifiers"), Item(modifier.name))
        yield from (DataPath("objects", (*steps, Item(name))) for name in _keys(modifier))
    keys: Any = getattr(shape.data, "shape_keys", None)
    for key in keys.key_blocks if keys else ():
        if key != keys.reference_key:
            way = (Field("data"), Field("shape_keys"), Field("key_blocks"), Item(key.name), Field("value"))
            yield DataPath("objects", (start, *way))


def _keys(owner: Any) -> list[str]:
    try:
        return list(owner.keys())
    except TypeError:  # structs of this kind have no custom properties
        return []


def _of_nodes(kind: str, owner: Any) -> Iterator[DataPath]:
    for node in owner.node_tree.nodes:
        steps = (Item(owner.name), Field("node_tree"), Field("nodes"), Item(node.name))
        for side, sockets in (("inputs", node.inputs), ("outputs", node.outputs)):
            if side == "outputs" and node.inputs:
                continue  # only nodes without an input hold a value at their output
            names = Counter(socket.name for socket in sockets)
            for index, socket in enumerate(sockets):
                if socket.enabled and not socket.hide_value:
                    key = Item(socket.name if names[socket.name] == 1 else index)
                    yield from _spread(kind, (*steps, Field(side), key), socket, "default_value")


def _fields(kind: str, owner: Any, names: Iterable[str]) -> Iterator[DataPath]:
    for name in names:
        yield from _spread(kind, (Item(owner.name),), owner, name)


def _spread(kind: str, steps: tuple[Step, ...], owner: Any, name: str) -> Iterator[DataPath]:
    """A property, or the elements of an array, of a colour without its opacity."""
    declared = owner.bl_rna.properties.get(name)
    if declared is None:
        return
    length = getattr(declared, "array_length", 0)
    if not length:
        yield DataPath(kind, (*steps, Field(name)))
    for index in range(3 if declared.subtype == "COLOR" else length):
        yield DataPath(kind, (*steps, Field(name), Item(index)))
