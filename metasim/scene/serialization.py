"""The readable JSON form of a scene graph, with a version; floats survive to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from metasim.base.errors import InputError
from metasim.base.validation import Section, validated
from metasim.scene.graph import SceneGraph, SceneNode

FORMAT = "metasim/scene-graph"
VERSION = 1


class _Node(Section):
    """A node: its parent by name, and which of its attributes may change."""

    name: str
    symbol: str
    cls: str = Field(alias="class")
    parent: str | None
    attributes: dict[str, float]
    mutable: list[str]

    @field_validator("mutable")
    @classmethod
    def _of_attributes(cls, mutable: list[str], info: ValidationInfo) -> list[str]:
        if not set(mutable) <= set(info.data.get("attributes", mutable)):
            raise ValueError("names of attributes of the node")
        return mutable


class _Graph(Section):
    """A file; ``format`` and ``version`` say how to read the rest."""

    format: str
    version: int
    nodes: list[_Node]


def to_json(graph: SceneGraph) -> dict[str, Any]:
    """The graph as a mapping that JSON can write; values in the units of their specs."""
    return {"format": FORMAT, "version": VERSION, "nodes": [_node_to_json(graph, n) for n in graph.nodes]}


def from_json(data: Mapping[str, Any], where: str = "scene graph") -> SceneGraph:
    """The graph that ``to_json`` wrote.

    Args:
        data: Content of the file.
        where: Name of the file, for messages.

    Raises:
        InputError: If the file is of another kind or version, or not a tree of nodes.
    """
    if data.get("format") != FORMAT or data.get("version") != VERSION:
        got = f"{data.get('format')!r} version {data.get('version')!r}"
        raise InputError(where, got, f"{FORMAT!r} version {VERSION}")
    nodes = validated(_Graph, data, where).nodes
    index: dict[str, int] = {}
    for i, node in enumerate(nodes):
        index.setdefault(node.name, i)
    for i, node in enumerate(nodes):
        if node.parent is not None and node.parent not in index:
            raise InputError(f"{where}: nodes.{i}.parent", repr(node.parent), "the name of an earlier node")
    return SceneGraph(tuple(_node_from_json(node, index) for node in nodes))


def _node_to_json(graph: SceneGraph, node: SceneNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "symbol": node.symbol,
        "class": node.cls,
        "parent": None if node.parent is None else graph.nodes[node.parent].name,
        "attributes": dict(node.attributes),
        "mutable": sorted(node.mutable),
    }


def _node_from_json(node: _Node, index: Mapping[str, int]) -> SceneNode:
    parent = None if node.parent is None else index[node.parent]
    return SceneNode(node.name, node.symbol, node.cls, parent, node.attributes, frozenset(node.mutable))
