"""Follows a data path in an open Blender file, step by step through what Blender declares."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from metasim.base.errors import InputError
from renderers.blender.blend.path import DataPath, Field, Item, Step
from renderers.blender.blend.slot import Slot
from renderers.blender.native import load_bpy

NUMBERS = ("FLOAT", "INT", "BOOLEAN")
_WAYS = (*NUMBERS, "POINTER", "COLLECTION")
_HIDDEN = ("rna_type", "bl_rna")
_CUSTOM_KINDS = {float: "FLOAT", int: "INT", bool: "BOOLEAN"}
_CUSTOM_DIMENSIONS = {"ANGLE": "ROTATION", "EULER": "ROTATION", "DISTANCE": "LENGTH", "TRANSLATION": "LENGTH"}


class _Astray(Exception):
    """A step that leads nowhere; other steps from there do."""

    def __init__(self, depth: int, instead: Iterable[Step], fault: str = "no such thing") -> None:
        super().__init__(fault)
        self.depth, self.instead, self.fault = depth, list(instead), fault


@dataclass(frozen=True)
class _Property:
    """A property that holds numbers; ``length`` of an array, 0 for a single number."""

    owner: Any
    name: str
    custom: bool
    kind: str
    dimension: str
    length: int


def resolve(path: DataPath, where: str, this: Any = None) -> Slot:
    """Finds the number at a path.

    Args:
        path: The path.
        where: What messages call it.
        this: The object that stands for the node, where paths start at ``object``.

    Raises:
        InputError: If there is no number, or it cannot be changed or has no effect; names the closest
            path that exists.
    """
    try:
        return _slot(path, this)
    except _Astray as astray:
        raise InputError(where, f"{path}: {astray.fault}", _nearest(path, astray, this)) from None


def block(path: DataPath, where: str) -> Any:
    """The data-block that a path names; ``InputError`` names the closest one if there is none."""
    try:
        return _start(path, None)[0]
    except _Astray as astray:
        raise InputError(where, f"{path}: {astray.fault}", _nearest(path, astray, None)) from None


def _slot(path: DataPath, this: Any) -> Slot:
    found, first = _start(path, this)
    element: int | None = None
    for depth, step in enumerate(path.steps[first:], start=first):
        if isinstance(found, _Property):
            if not found.length or element is not None:
                raise _Astray(depth, [], f"{found.name} is a single number")
            element = _element(found, step, depth)
        else:
            found = _next(found, step, depth)
    if not isinstance(found, _Property):
        raise _Astray(len(path.steps), _ways(found), "no number yet")
    if found.length and element is None:
        raise _Astray(len(path.steps), [Item(0)], f"{found.length} numbers")
    _demand_effect(path, found)
    return Slot(path, found.owner, found.name, element, found.custom, found.kind, found.dimension)


def _start(path: DataPath, this: Any) -> tuple[Any, int]:
    bpy = load_bpy()
    if path.root == "scene":
        return bpy.context.scene, 0
    if path.root == "object":
        if this is None:
            raise _Astray(0, [], "no object stands for this node, which a key without a dot would say")
        return this, 0
    blocks, name = getattr(bpy.data, path.root), path.steps[0]
    assert isinstance(name, Item)
    if name.key in blocks:
        return blocks[name.key], 1
    shown = bpy.data.objects.get(name.key)  # a lamp's or camera's object often has another name than itself
    data = getattr(shown, "data", None)
    if data is not None and data.name in blocks and blocks[data.name] == data:
        raise _Astray(0, [Item(data.name)], "no such thing, only an object of that name")
    raise _Astray(0, map(Item, blocks.keys()))


def _next(found: Any, step: Step, depth: int) -> Any:
    """What a step leads to from a struct or a collection of Blender's."""
    if isinstance(found, load_bpy().types.bpy_prop_collection):
        return _member(found, step, depth)
    if isinstance(step, Item):
        return _custom(found, step, depth)
    declared = found.bl_rna.properties.get(step.name)
    if declared is None or declared.type not in _WAYS or step.name in _HIDDEN:
        raise _Astray(depth, _ways(found))
    if declared.type in NUMBERS:
        if found.is_property_readonly(step.name):
            raise _Astray(depth, [], f"{step.name} cannot be changed")
        length = declared.array_length if declared.is_array else 0
        if length and declared.array_dimensions[1]:
            raise _Astray(depth, [], f"{step.name} is a matrix")
        return _Property(found, step.name, False, declared.type, declared.unit, length)
    inside = getattr(found, step.name)
    if inside is None:
        raise _Astray(depth, [], f"{step.name} is empty")
    return inside


def _member(members: Any, step: Step, depth: int) -> Any:
    names = [Item(name) for name in members.keys()]  # noqa: SIM118  it iterates over its values
    if isinstance(step, Field):
        raise _Astray(depth, names, "a name in brackets is missing")
    inside = step.key < len(members) if isinstance(step.key, int) else step.key in members
    if not inside:
        raise _Astray(depth, names or map(Item, range(len(members))))
    return members[step.key]


def _custom(owner: Any, step: Item, depth: int) -> _Property:
    names = _custom_names(owner)
    if step.key not in names:
        raise _Astray(depth, [*map(Item, names), *(_ways(owner) if not names else [])])
    assert isinstance(step.key, str)
    value = owner[step.key]
    length = len(value) if hasattr(value, "typecode") else 0
    kind = _CUSTOM_KINDS.get(type(value[0] if length else value))
    if kind is None:
        raise _Astray(depth, [], f"{step.key} is no number")
    try:
        subtype = owner.id_properties_ui(step.key).as_dict().get("subtype", "")
    except TypeError:
        subtype = ""
    return _Property(owner, step.key, True, kind, _CUSTOM_DIMENSIONS.get(subtype, "NONE"), length)


def _custom_names(owner: Any) -> list[str]:
    try:
        return [name for name in owner.keys() if not name.startswith("_")]  # noqa: SIM118
    except TypeError:  # structs of this kind have none
        return []


def _ways(found: Any) -> list[Step]:
    """The steps that lead on from a struct or collection."""
    if isinstance(found, load_bpy().types.bpy_prop_collection):
        return [Item(name) for name in found.keys()]  # noqa: SIM118
    declared = found.bl_rna.properties
    names = [p.identifier for p in declared if p.type in _WAYS and p.identifier not in _HIDDEN]
    return [Field(name) for name in names]


def _element(array: _Property, step: Step, depth: int) -> int:
    if not isinstance(step, Item) or not isinstance(step.key, int) or step.key >= array.length:
        raise _Astray(depth, map(Item, range(array.length)))
    return step.key


def _demand_effect(path: DataPath, found: _Property) -> None:
    if path.negated and found.kind != "BOOLEAN":
        raise _Astray(len(path.steps), [], "not of a number, where only a switch has an opposite")
    if getattr(found.owner, "is_linked", False) and found.name == "default_value":
        raise _Astray(len(path.steps), [], "no effect, since another node feeds this input")


def _nearest(path: DataPath, astray: _Astray, this: Any) -> str:
    """The closest path that exists, with the rest of the way where that exists too."""
    if not astray.instead:
        return "a number that can be changed"
    before, after = path.steps[: astray.depth], path.steps[astray.depth + 1 :]
    wrong = str(path.steps[astray.depth]).lower() if astray.depth < len(path.steps) else ""
    spelt = {str(step).lower(): step for step in reversed(astray.instead)}
    best = spelt[difflib.get_close_matches(wrong, spelt, n=1, cutoff=0.0)[0]]
    whole = DataPath(path.root, (*before, best, *after), path.negated)
    try:
        return str(_slot(whole, this).path)
    except _Astray:
        return str(DataPath(path.root, (*before, best)))
