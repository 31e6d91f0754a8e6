"""SceneLayout: a family of scene graphs with the same nodes, seen as rows of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.scene.attribute import AttributeSpec
from metasim.scene.graph import SceneGraph
from metasim.scene.schema import SceneSchema

Array = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]


class Labels(Protocol):
    """Known scenes, or objects, as rows of numbers."""

    @property
    def units(self) -> Array:
        """(n, D) attributes on [0, 1]."""
        ...

    @property
    def classes(self) -> Classes:
        """(n, C) class indices."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Labels by themselves: attributes on [0, 1] (n, D) and class indices (n, C)."""

    units: Array
    classes: Classes


@dataclass(frozen=True)
class Column:
    """A mutable attribute of one node."""

    node: str
    symbol: str
    spec: AttributeSpec

    @property
    def name(self) -> str:
        """``node.attribute``, the name used in every report."""
        return f"{self.node}.{self.spec.name}"


@dataclass(frozen=True)
class Choice:
    """A node whose class the grammar draws."""

    node: str
    classes: tuple[str, ...]


def classes_by_node(choices: Sequence[Choice], classes: Classes) -> dict[str, str]:
    """Names of one scene's (C,) class indices, by the node that has each."""
    return {choice.node: choice.classes[k] for choice, k in zip(choices, classes, strict=True)}


@dataclass(frozen=True)
class SceneLayout:
    """Which mutable attribute stands in which column, and which nodes have a class to choose.

    Attributes:
        columns: D columns, in node order and order of declaration.
        choices: C nodes with more than one possible class, in node order.
        node_names: All nodes of every graph, in order.
    """

    columns: tuple[Column, ...]
    choices: tuple[Choice, ...]
    node_names: tuple[str, ...]

    @classmethod
    def of(cls, schema: SceneSchema, graph: SceneGraph) -> SceneLayout:
        """The layout of all graphs with the nodes of ``graph``.

        Raises:
            InputError: If nothing is mutable.
        """
        columns = tuple(
            Column(node.name, node.symbol, spec)
            for node in graph.nodes
            for spec in schema.by_name[node.symbol].attributes
            if spec.name in node.mutable
        )
        if not columns:
            raise InputError("grammar", "no mutable attribute", "at least one attribute to learn")
        choices = tuple(
            Choice(node.name, schema.by_name[node.symbol].classes)
            for node in graph.nodes
            if len(schema.by_name[node.symbol].classes) > 1
        )
        return cls(columns, choices, tuple(node.name for node in graph.nodes))

    @cached_property
    def periodic(self) -> npt.NDArray[np.bool_]:
        """(D,) whether a column is periodic."""
        return np.array([column.spec.periodic for column in self.columns])

    @property
    def class_numbers(self) -> tuple[int, ...]:
        """(C,) number of classes of each choice."""
        return tuple(len(choice.classes) for choice in self.choices)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def units(self, graphs: Sequence[SceneGraph]) -> Array:
        """(n, D) attribute values on [0, 1].

        Raises:
            InputError: If a graph has other nodes than the layout.
        """
        for graph in graphs:
            if tuple(node.name for node in graph.nodes) != self.node_names:
                raise InputError("scene graph", "other nodes", f"exactly {', '.join(self.node_names)}")
        values = [[g.by_name[c.node].attributes[c.spec.name] for g in graphs] for c in self.columns]
        units = [c.spec.to_unit(v) for c, v in zip(self.columns, values, strict=True)]
        return np.stack(units, axis=1)

    def classes(self, graphs: Sequence[SceneGraph]) -> Classes:
        """(n, C) index of each choice's class."""
        rows = [[c.classes.index(g.by_name[c.node].cls) for c in self.choices] for g in graphs]
        return np.array(rows, dtype=np.int64).reshape(len(graphs), len(self.choices))

    def values(self, units: Array) -> Array:
        """(n, D) values in each attribute's own unit."""
        return np.stack([c.spec.from_unit(units[:, j]) for j, c in enumerate(self.columns)], axis=1)

    def place(self, graphs: Sequence[SceneGraph], units: Array, classes: Classes) -> list[SceneGraph]:
        """Graphs with their mutable attributes and classes replaced.

        Args:
            graphs: n graphs that give everything else.
            units: (n, D) attributes on [0, 1].
            classes: (n, C) class indices.
        """
        values = self.values(units)
        return [self._place(g, v, c) for g, v, c in zip(graphs, values, classes, strict=True)]

    def _place(self, graph: SceneGraph, values: Array, classes: Classes) -> SceneGraph:
        chosen = classes_by_node(self.choices, classes)
        changes: dict[str, dict[str, float]] = {}
        for column, value in zip(self.columns, values, strict=True):
            changes.setdefault(column.node, {})[column.spec.name] = float(value)
        nodes = tuple(
            replace(
                node,
                cls=chosen.get(node.name, node.cls),
                attributes={**node.attributes, **changes.get(node.name, {})},
            )
            for node in graph.nodes
        )
        return SceneGraph(nodes)
