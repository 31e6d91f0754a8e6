"""Affordances: what can be done with the objects seen, by class and part, as images of yes and no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.base.files import read_yaml
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
    def from_file(cls, path: Path) -> Affordances:
        """Reads a YAML mapping of classes and parts to lists of affordances.

        Raises:
            InputError: If it is not one.
        """
        data = read_yaml(path)
        if not data:
            raise InputError(str(path), "nothing", "affordances of at least one class")
        return cls({key: _row(str(path), key, names) for key, names in data.items()})

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every affordance once, in alphabetical order: the channels of an image."""
        return tuple(sorted(frozenset().union(*self.rows.values())))

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


def _row(where: str, key: Any, names: Any) -> frozenset[str]:
    cls, slash, part = str(key).partition("/")
    if not cls or (slash and not part.isdecimal()):
        raise InputError(f"{where}: {key}", "not a class", "a class, or a class, / and the number of a part")
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"{where}: {key}", repr(names), "a list of names")
    return frozenset(names)
