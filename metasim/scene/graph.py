"""SceneGraph: one sampled scene, immutable once made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

from metasim.base.errors import InputError


@dataclass(frozen=True)
class SceneNode:
    """A node of a scene graph.

    Attributes:
        name: Unique in its graph: the symbol, or ``symbol_2`` and so on for further ones.
        symbol: Grammar symbol it was made from.
        cls: Its class; the symbol itself where the grammar offers no choice.
        parent: Index of the parent node, ``None`` for the root.
        attributes: Values by attribute name, in the unit of the attribute's spec.
        mutable: Names of the attributes that the generator may change.
    """

    name: str
    symbol: str
    cls: str
    parent: int | None
    attributes: Mapping[str, float]
    mutable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        values = {name: float(value) for name, value in self.attributes.items()}
        object.__setattr__(self, "attributes", MappingProxyType(values))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles by fields: a mapping proxy cannot cross to a worker process by itself."""
        fields = (self.name, self.symbol, self.cls, self.parent, dict(self.attributes), self.mutable)
        return type(self), fields

    def __hash__(self) -> int:
        return hash((self.name, self.symbol, self.cls, self.parent, frozenset(self.attributes.items())))


@dataclass(frozen=True)
class SceneGraph:
    """One sample of a scene grammar: a tree of nodes, parents before children.

    Attributes:
        nodes: The nodes; the first is the root and every parent precedes its children.
    """

    nodes: tuple[SceneNode, ...]

    def __post_init__(self) -> None:
        if not self.nodes:
            raise InputError("scene graph", "no nodes", "at least a root")
        for index, node in enumerate(self.nodes):
            where = f"scene graph: node {node.name}"
            earlier = node.parent is not None and 0 <= node.parent < index
            if not (node.parent is None if index == 0 else earlier):
                raise InputError(where, f"parent {node.parent}", "an earlier node, none for the root")
            for name, value in node.attributes.items():
                if not math.isfinite(value):
                    raise InputError(f"{where}.{name}", str(value), "a finite number")
        if len(self.by_name) != len(self.nodes):
            raise InputError("scene graph", "two nodes of one name", "unique names")

    @cached_property
    def by_name(self) -> dict[str, SceneNode]:
        """Nodes by name."""
        return {node.name: node for node in self.nodes}

    def index(self, name: str) -> int:
        """Position of a node; instance ids in images are this plus one."""
        return next(i for i, node in enumerate(self.nodes) if node.name == name)

    def of_symbol(self, symbol: str) -> tuple[SceneNode, ...]:
        """All nodes made from a symbol, in order."""
        return tuple(node for node in self.nodes if node.symbol == symbol)

    def with_attributes(self, changes: Mapping[str, Mapping[str, float]]) -> SceneGraph:
        """The same scene with some values replaced.

        Args:
            changes: New values by node name, then attribute name.

        Raises:
            InputError: If a changed attribute does not exist.
        """
        for name, values in changes.items():
            known = self.by_name[name].attributes if name in self.by_name else {}
            for attribute in values:
                if attribute not in known:
                    raise InputError("scene graph", f"no {name}.{attribute}", "an existing attribute")
        return SceneGraph(
            tuple(
                replace(node, attributes={**node.attributes, **changes[node.name]})
                if node.name in changes
                else node
                for node in self.nodes
            )
        )
