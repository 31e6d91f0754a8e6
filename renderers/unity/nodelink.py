"""Scene graphs as networkx 2.3 wrote them (node-link JSON), which the builds of the earlier project read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metasim.scene.graph import SceneGraph, SceneNode

IMMUTABLE = "immutable"


def to_node_link(scene: SceneGraph) -> dict[str, Any]:
    """A scene graph for such a build; values are in the grammar's units.

    A node's ``id`` is its index, its ``attr`` its values. Classes that are numbers become numbers, as they
    were there. ``name`` and ``symbol`` are ours, for readers that know them.
    """
    nodes = [
        {
            "cls": int(node.cls) if node.cls.isdecimal() else node.cls,
            "attr": {**node.attributes, IMMUTABLE: not node.mutable},
            "id": index,
            "name": node.name,
            "symbol": node.symbol,
        }
        for index, node in enumerate(scene.nodes)
    ]
    links = [
        {"source": node.parent, "target": index}
        for index, node in enumerate(scene.nodes)
        if node.parent is not None
    ]
    return {"directed": False, "multigraph": False, "graph": {}, "nodes": nodes, "links": links}


def from_node_link(data: Mapping[str, Any]) -> SceneGraph:
    """The scene graph that ``to_node_link`` wrote, but for which attributes are mutable."""
    parents = {link["target"]: link["source"] for link in data["links"]}
    return SceneGraph(
        tuple(
            SceneNode(
                name=node["name"],
                symbol=node["symbol"],
                cls=str(node["cls"]),
                parent=parents.get(node["id"]),
                attributes={name: value for name, value in node["attr"].items() if name != IMMUTABLE},
            )
            for node in data["nodes"]
        )
    )
