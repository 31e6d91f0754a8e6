"""The option ``bind``: what stands for the nodes of a scene graph, and what their attributes move.

::

    bind:
      mug: objects["Mug"]                            # what stands for a node: it gets the instance id
      mug.yaw: objects["Mug"].rotation_euler[2]      # what an attribute moves, or a list of such paths
      lamp.intensity: lights["Key"].energy
      pill: [objects["Pill"], objects["Pill.001"]]   # one for each node of the symbol, in order
      pill.x: object.location[0]                     # of the object that stands for the node
      car: collections["Cars"]                       # by class: its object of the name of the node's class

A key names a symbol, or one node of it (``pill_2``), which then goes its own way. ``anchored`` writes beside
each path what the grammar says of the attribute, so that an engine needs no grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from metasim.base.errors import InputError
from metasim.base.validation import Section, closest, validated
from metasim.scene.schema import SceneSchema
from renderers.blender.blend.path import DataPath
from renderers.blender.blend.units import BARE


def _as_list(data: Any) -> Any:
    return [data] if isinstance(data, str) else data


def _as_target(data: Any) -> Any:
    return data if isinstance(data, Mapping | Section) else {"path": data}


Paths = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]


class Target(Section):
    """What a key of ``bind`` names, with what the grammar says of it.

    Attributes:
        path: Spelling of one or several paths.
        unit: Unit of the attribute.
        range: Least and greatest value of the attribute, in its unit.
        classes: Classes that a node may have.
    """

    path: Paths
    unit: str = BARE
    range: tuple[float, float] | None = None
    classes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("a range [low, high] with low < high")
        return self

    def paths(self, where: str) -> tuple[DataPath, ...]:
        """The paths, read."""
        return tuple(DataPath.parse(text, where) for text in self.path)


class _Bind(Section):
    bind: dict[str, Annotated[Target, BeforeValidator(_as_target)]]


def read_bind(data: Mapping[str, Any], where: str) -> dict[str, Target]:
    """Reads the option.

    Args:
        data: The option as it stands in an experiment, or as ``anchored`` leaves it.
        where: Path of the section that it stands in, for messages.

    Raises:
        InputError: At the first fault.
    """
    targets = validated(_Bind, {"bind": data}, where).bind
    for key, target in targets.items():
        place = f"{where}.bind.{key}"
        for path in target.paths(place):
            _check_use(key, path, place)
    return targets


def _check_use(key: str, path: DataPath, where: str) -> None:
    """Whether a path may stand for a node, or be moved by an attribute."""
    if "." not in key and (path.root not in ("objects", "collections") or len(path.steps) > 1):
        raise InputError(where, str(path), 'objects["Name"], or collections["Name"] to choose by class')
    if "." in key and len(path.steps) < (1 if path.root in ("scene", "object") else 2):
        raise InputError(where, str(path), f"a property of it, as {path}.name")


def anchored(data: Mapping[str, Any], schema: SceneSchema, where: str) -> dict[str, Any]:
    """The option as plain data with units, ranges and classes from a grammar beside the paths.

    Raises:
        InputError: If a key names nothing of the grammar, a mutable attribute moves nothing, or a unit is
            given that is not the grammar's.
    """
    targets = read_bind(data, where)
    for key in targets:
        _check_key(key, schema, f"{where}.bind.{key}")
    bound = {symbol_of(key) for key in targets if "." in key}
    for symbol in schema.symbols:
        for spec in symbol.attributes:
            if spec.mutable and f"{symbol.name}.{spec.name}" not in bound:
                expected = f"a path for {symbol.name}.{spec.name}, which is to be learnt"
                raise InputError(f"{where}.bind", "nothing", expected)
    return {key: _known(key, target, schema, f"{where}.bind.{key}") for key, target in targets.items()}


def _check_key(key: str, schema: SceneSchema, where: str) -> None:
    symbols: Iterable[str] = schema.by_name
    names = [*symbols, *(f"{s.name}.{a.name}" for s in schema.symbols for a in s.attributes)]
    if symbol_of(key) not in names:
        near = [name for name in names if ("." in name) == ("." in key)]
        raise InputError(where, "nothing of that name in the grammar", closest(key, near or names))


def _known(key: str, target: Target, schema: SceneSchema, where: str) -> dict[str, Any]:
    symbol, _, attribute = symbol_of(key).partition(".")
    path = target.path[0] if len(target.path) == 1 else list(target.path)
    if not attribute:
        return {"path": path, "classes": list(schema.by_name[symbol].classes)}
    spec = schema.spec(symbol, attribute)
    if target.unit not in (BARE, spec.unit):
        raise InputError(where, f"unit {target.unit}", f"unit {spec.unit}, as the grammar has it")
    return {"path": path, "unit": spec.unit, "range": [spec.low, spec.high]}


def symbol_of(key: str) -> str:
    """A key with the symbol in place of the name of one of its nodes: ``pill.x`` for ``pill_2.x``."""
    node, dot, attribute = key.partition(".")
    return re.sub(r"_[0-9]+$", "", node) + dot + attribute
