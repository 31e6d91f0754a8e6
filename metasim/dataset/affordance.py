"""Affordances: what can be done with the objects seen, by class and part, as images of yes and no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.base.files import read_yaml
from metasim.rendering.protocol import Capabilities
from metasim.scene.graph import SceneGraph


@dataclass(frozen=True)
class Affordances:
    """A vocabulary: the affordances of classes, and of single parts of them.

    Attributes:
        rows: Affordances by ``class``, for all pixels of its objects, or by ``class/part``, for those of
            one part id.
    """

    rows: Mapping[str, frozenset[str]]

    @classmethod
    def from_file(cls, path: Path, parts: Sequence[str] = ()) -> Affordances:
        """Reads a YAML mapping of classes and parts to lists of affordances.

        Args:
            path: The file.
            parts: Names of parts, see ``of``.

        Raises:
            InputError: If it is not one.
        """
        data = read_yaml(path)
        if not data:
            raise InputError(str(path), "nothing", "affordances of at least one class")
        return cls.of(
            {str(key): _row(f"{path}: {key}", names) for key, names in data.items()}, parts, str(path)
        )

    @classmethod
    def of(
        cls, rows: Mapping[str, frozenset[str]], parts: Sequence[str], where: str = "affordances"
    ) -> Affordances:
        """The vocabulary of rows whose parts may be named.

        Args:
            rows: Affordances by ``class``, by ``class/name`` and by ``class/id``.
            parts: Names of the part ids 1, 2 and so on.
            where: Where the rows are from, for errors.

        Raises:
            InputError: If there is no such part.
        """
        numbers = {name: str(number) for number, name in enumerate(parts, start=1)}
        numbered: dict[str, frozenset[str]] = {}
        for key, names in rows.items():
            same = _key(f"{where}: {key}", key, numbers)
            numbered[same] = numbered.get(same, frozenset()) | names
        return cls(numbered)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every affordance once, in alphabetical order: the channels of an image."""
        return tuple(sorted(frozenset().union(*self.rows.values())))

    def named(self, parts: Sequence[str]) -> dict[str, list[str]]:
        """The rows by ``class`` and ``class/part``, parts by name where they have one, as JSON data."""
        names = {str(number): name for number, name in enumerate(parts, start=1)}
        split = {key: key.partition("/") for key in self.rows}
        return {
            f"{cls}{slash}{names.get(part, part)}": sorted(self.rows[key])
            for key, (cls, slash, part) in split.items()
        }

    @property
    def needs_parts(self) -> bool:
        """Whether part ids must be known."""
        return any("/" in key for key in self.rows)

    def image(
        self, graph: SceneGraph, instance: npt.NDArray[Any], part: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.bool_]:
        """What can be done with what is seen, (H, W, A) with a channel for each of ``names``.

        Args:
            graph: The scene.
            instance: Instance ids (H, W).
            part: Part ids (H, W); required if ``needs_parts``.
        """
        table = np.array([self._channels(""), *(self._channels(node.cls) for node in graph.nodes)])
        image = table[instance.astype(np.int64)]
        for key in self.rows if part is not None else ():
            cls, slash, number = key.partition("/")
            if slash:
                of_class = np.array([False, *(node.cls == cls for node in graph.nodes)])
                image[of_class[instance.astype(np.int64)] & (part == int(number))] |= self._channels(key)
        return image

    def _channels(self, key: str) -> npt.NDArray[np.bool_]:
        row = self.rows.get(key, frozenset())
        return np.array([name in row for name in self.names])


def chosen_affordances(path: Path | None, can: Capabilities) -> Affordances | None:
    """The vocabulary of a file, or else the engine's own; ``None`` if there is neither."""
    if path is not None:
        return Affordances.from_file(path, can.part_names)
    return Affordances.of(can.affordances, can.part_names) if can.affordances else None


def _key(where: str, key: str, numbers: Mapping[str, str]) -> str:
    cls, slash, part = key.partition("/")
    number = numbers.get(part, part)
    if not cls or (slash and not number.isdecimal()):
        known = f", or one of {', '.join(numbers)}" if numbers else ""
        raise InputError(where, "not a class", f"a class, or a class, / and the number of a part{known}")
    return f"{cls}{slash}{number}"


def _row(where: str, names: Any) -> frozenset[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InputError(where, repr(names), "a list of names")
    return frozenset(names)
