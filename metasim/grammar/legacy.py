"""Reader of grammars in the JSON format of the original Meta-Sim and of its Unity extension.

A grammar is a tree of nodes with ``class``, ``attributes``, ``num_child`` and ``child``, and is turned
into the mapping of a grammar file of ours:

* ``num_child`` is ignored, as it always was: every entry of ``child`` is made. Children are taken last
  first, the order in which the original numbered its nodes.
* ``["Random", [...]]`` classes become equally likely classes of a symbol ``object``; a
  ``["Deterministic", name]`` class becomes a symbol of that name.
* ``["Deterministic" | "Gaussian" | "Uniform", a, b, max]`` becomes an attribute with the range
  [0, max], widened to a fixed value beyond it. Angles are periodic with the period ``max``;
  intensity and roughness are magnitudes cut at ``max``. Other Gaussians are cut to the range, whereas
  the original let their tails out of it.
* An attribute is mutable if it is a feature, in the root's ``mutable`` list, and its node is not
  ``immutable``.
* Plain numbers become fixed attributes. The root's settings (``num_samples``, paths, ...) and every
  string, list or truth value have no place in a scene: they are dropped, and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from metasim.base.errors import InputError

_LOG = logging.getLogger(__name__)

_ANGLES = frozenset({"yaw", "pitch", "roll", "camera_pitch", "camera_roll"})
_MAGNITUDES = frozenset({"intensity", "roughness"})
_SETTINGS = frozenset({"num_samples"})  # numbers of the root that are no attributes

Json = Mapping[str, Any]


def is_legacy(data: Mapping[str, Any]) -> bool:
    """Whether a mapping has the form of the original's grammars."""
    return "class" in data and "child" in data


def from_legacy(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The grammar in our own form.

    Args:
        data: The root node.
        where: Name of the file, for messages.

    Raises:
        InputError: If the original would not have read it either, or it breaks a rule of ours.
    """
    return _Reader(where, data).read()


class _Reader:
    def __init__(self, where: str, root: Json) -> None:
        given = root.get("attributes")
        settings = given if isinstance(given, Mapping) else {}
        self.where, self.root = where, root
        self.features = _names(settings.get("features"), f"{where}: attributes.features")
        self.mutable = _names(settings.get("mutable"), f"{where}: attributes.mutable")
        self.symbols: dict[str, Json] = {}
        if "class" in self.mutable:
            raise InputError(f"{where}: attributes.mutable", "'class'", "attributes only: classes are given")

    def read(self) -> dict[str, Any]:
        start = self._symbol(self.root, "")
        ordered, waiting = {}, [start]
        while waiting:
            name = waiting.pop()
            ordered[name] = self.symbols[name]
            waiting.extend(reversed(self.symbols[name]["children"]))
        return {"start": start, "symbols": ordered}

    def _symbol(self, node: Any, path: str) -> str:
        """Reads a node and all below it; returns the name of its symbol."""
        if not _is_node(node):
            expected = "a node: class, attributes (a mapping) and child (a list)"
            raise InputError(self._at(path.removesuffix(".")), "another shape", expected)
        name, classes = self._class(node.get("class"), f"{path}class")
        self._ignore_count(node, path)
        below = node.get("child", [])
        children = [self._symbol(below[i], f"{path}child.{i}.") for i in reversed(range(len(below)))]
        attributes = self._attributes(node.get("attributes", {}), path)
        return self._add(name, {"classes": classes, "attributes": attributes, "children": children})

    def _add(self, name: str, form: Json) -> str:
        """Nodes that differ in nothing share a symbol; others of the same name are told apart by a letter."""
        free = (name, *(f"{name}_{letter}" for letter in "bcdefghijklmnopqrstuvwxyz"))
        for candidate in free:
            if self.symbols.setdefault(candidate, form) == form:
                return candidate
        raise InputError(self.where, f"more than {len(free)} different nodes of class {name!r}", "fewer")

    def _class(self, given: Any, path: str) -> tuple[str, list[str]]:
        kind, names = given if isinstance(given, list) and len(given) == 2 else (None, None)
        if kind == "Random" and isinstance(names, list) and names:
            return "object", [str(name) for name in names]
        if kind == "Deterministic" and str(names).isidentifier():
            return str(names), []
        if kind == "Deterministic" and names is not None:
            return "object", [str(names)]
        raise InputError(self._at(path), repr(given), '["Deterministic", name] or ["Random", [name, ...]]')

    def _ignore_count(self, node: Json, path: str) -> None:
        count = node.get("num_child", ["Deterministic", 0])
        if not (isinstance(count, list) and count and count[0] == "Deterministic"):
            raise InputError(self._at(f"{path}num_child"), repr(count), '["Deterministic", number]')

    def _attributes(self, given: Json, path: str) -> dict[str, Json]:
        path = f"{path}attributes"
        read = {name: self._attribute(name, given[name], f"{path}.{name}") for name in given}
        missing = [name for name in self.features if name != "class" and read.get(name) is None]
        if missing:
            raise InputError(self._at(f"{path}.{missing[0]}"), "nothing", "a value of every feature")
        free = self.mutable if not given.get("immutable", False) else frozenset()
        ordered = [*self.features, *(name for name in read if name not in self.features)]
        return {
            name: {**attribute, "mutable": name in free and name in self.features}
            for name in ordered
            if (attribute := read.get(name)) is not None
        }

    def _attribute(self, name: str, given: Any, path: str) -> Json | None:
        if (
            isinstance(given, list)
            and given
            and isinstance(given[0], str)
            and name not in ("features", "mutable")
        ):
            return self._drawn(name, given, path)
        if isinstance(given, int | float) and not isinstance(given, bool) and name not in _SETTINGS:
            return {"law": {"fixed": given}, "range": _widened(float(given), 1.0)}
        _LOG.info("%s: %r has no place in a scene and is left out", self._at(path), given)
        return None

    def _drawn(self, name: str, given: list[Any], path: str) -> Json:
        kind, *numbers = given
        if len(numbers) != 3 or any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
            raise InputError(self._at(path), repr(given), '["Gaussian", mean, sd, max] or the like')
        a, b, top = (float(number) for number in numbers)
        if not top > 0:
            raise InputError(self._at(path), f"the maximum {top:g}", "one above 0: values are divided by it")
        if name in _ANGLES:
            return {"unit": "deg", "range": [0.0, top], "periodic": True, "law": self._law(kind, a, b, path)}
        if name in _MAGNITUDES:
            return {"range": [0.0, top], "law": self._magnitude_law(kind, a, b, top, path)}
        law = self._law(kind, a, b, path)
        return {"range": _widened(a, top) if "fixed" in law else [0.0, top], "law": law}

    def _law(self, kind: str, a: float, b: float, path: str) -> Json:
        if kind == "Deterministic" or (kind == "Uniform" and a == b):
            return {"fixed": a}
        if kind == "Gaussian":
            return {"normal": {"mean": a, "std": b}}
        if kind == "Uniform":
            return {"uniform": [a, b]}
        raise InputError(self._at(path), repr(kind), "Deterministic, Gaussian or Uniform")

    def _magnitude_law(self, kind: str, a: float, b: float, top: float, path: str) -> Json:
        law = self._law(kind, a, b, path)
        if "fixed" in law or (kind == "Gaussian" and b == 0.0):
            return {"fixed": min(abs(a), top)}
        return {"folded_normal": {"mean": a, "std": b}} if kind == "Gaussian" else law

    def _at(self, path: str) -> str:
        return f"{self.where}: {path}" if path else self.where


def _is_node(node: Any) -> bool:
    if not isinstance(node, Mapping):
        return False
    return isinstance(node.get("child", []), list) and isinstance(node.get("attributes", {}), Mapping)


def _names(given: Any, where: str) -> tuple[str, ...]:
    if not (isinstance(given, list) and all(isinstance(name, str) for name in given)):
        raise InputError(where, repr(given), "a list of attribute names")
    return tuple(given)


def _widened(value: float, top: float) -> list[float]:
    """[0, top], or what also holds a fixed value beyond it."""
    return [min(0.0, value), max(top, value)]
