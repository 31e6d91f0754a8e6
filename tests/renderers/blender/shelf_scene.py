"""A scene whose node is an empty that shows a collection of two blocks, for tests of ids and refusals."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from metasim.scene.graph import SceneGraph, SceneNode

BLOCKS = {"book": (-0.4, (0.2, 0.3, 0.6)), "vase": (0.3, (0.3, 0.3, 0.8))}
"""X in the collection and size of each block."""


def shelf_graph(yaw: float = 0.0, x: float = 0.0) -> SceneGraph:
    root = SceneNode("room", "room", "room", None, {})
    return SceneGraph((root, SceneNode("shelf", "shelf", "shelf", 0, {"yaw": yaw, "x": x})))


class ShelfScene:
    """The shelf before a camera that looks along +y.

    Args:
        users: How many empties show the collection; the first is the node.
        lens: Type of the camera.
        twice: Whether the graph's root has the same object.
    """

    def __init__(self, users: int = 1, lens: str = "PERSP", twice: bool = False) -> None:
        self._users, self._lens, self._twice = users, lens, twice

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        return {"shelf": frozenset({"yaw", "x"})}

    def build(self) -> None:
        bpy: Any = importlib.import_module("bpy")
        shown = bpy.data.collections.new("shown")
        for name, (x, size) in BLOCKS.items():
            block = bpy.data.objects.new(name, _cube(bpy))
            block.location.x, block.scale = x, size
            shown.objects.link(block)
        for number in range(self._users):
            empty = bpy.data.objects.new(f"shelf {number}", None)
            empty.instance_type, empty.instance_collection = "COLLECTION", shown
            empty.location.z = float(number)
            bpy.context.scene.collection.objects.link(empty)
        camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        camera.data.type, camera.location, camera.rotation_euler = self._lens, (0, -4, 0), (np.pi / 2, 0, 0)
        bpy.context.scene.collection.objects.link(camera)
        bpy.context.scene.camera = camera

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        bpy: Any = importlib.import_module("bpy")
        empty = bpy.data.objects["shelf 0"]
        values = graph.by_name["shelf"].attributes
        empty.rotation_euler.z, empty.location.x = np.deg2rad(values["yaw"]), values["x"]
        return {"shelf": empty, **({"room": empty} if self._twice else {})}


def _cube(bpy: Any) -> Any:
    corners = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new("cube")
    mesh.from_pydata(corners, [], sides)
    return mesh
