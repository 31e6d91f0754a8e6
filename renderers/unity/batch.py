"""Scene graphs as the content of a batch, and back; see PROTOCOL.md, section 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.unity.axes import ANGLES, node_rotation
from renderers.unity.message import Kind, Message

WIRE_PASSES = (Pass.RGB, Pass.DEPTH, Pass.INSTANCE, Pass.NORMAL)
"""Passes that a player sends; others are derived from them."""

SEEDS = 2**31
NUMBERS = 2**24
"""Numbers of batches stay below it, so that they are exact in a float32."""

_IDENTITY = [0.0, 0.0, 0.0, 1.0]


def batch_message(
    number: int, scenes: Sequence[SceneGraph], seeds: Sequence[int], passes: Iterable[Pass]
) -> Message:
    """The message that asks for frames of scenes.

    Args:
        number: Number of the batch.
        scenes: The scenes, by slot.
        seeds: Seed of each.
        passes: Passes among ``WIRE_PASSES`` that are wanted.
    """
    entries = [
        {"id": slot, "seed": seed % SEEDS, "nodes": [_node(scene, i) for i in range(len(scene.nodes))]}
        for slot, (scene, seed) in enumerate(zip(scenes, seeds, strict=True))
    ]
    return Message(Kind.BATCH, number, {"passes": [str(name) for name in sorted(passes)], "scenes": entries})


def scene_of(entry: Mapping[str, Any]) -> SceneGraph:
    """The scene graph of an entry of a batch, as a player written in Python would see it."""
    return SceneGraph(
        tuple(
            SceneNode(
                name=node["name"],
                symbol=node["symbol"],
                cls=node["cls"],
                parent=node["parent"] - 1 if node["parent"] else None,
                attributes=dict(zip(node["names"], node["values"], strict=True)),
            )
            for node in entry["nodes"]
        )
    )


def _node(scene: SceneGraph, index: int) -> dict[str, Any]:
    node = scene.nodes[index]
    rotated = any(name in node.attributes for name in ANGLES)
    return {
        "id": index + 1,
        "name": node.name,
        "symbol": node.symbol,
        "cls": node.cls,
        "parent": 0 if node.parent is None else node.parent + 1,
        "names": list(node.attributes),
        "values": list(node.attributes.values()),
        "rotated": rotated,
        "rotation": node_rotation(node.attributes) if rotated else _IDENTITY,
    }
