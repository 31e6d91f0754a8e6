"""A grey cube of one metre on a small red floor, seen from above, for tests of the Blender engine."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from metasim.base.errors import InputError
from metasim.scene.graph import SceneGraph

GREY = (0.4, 0.4, 0.4, 1.0)
RED = (0.6, 0.2, 0.1, 1.0)


class CubeScene:
    """The floor has no node, so it is background that has a depth; far cubes come out at NaN."""

    def __init__(self) -> None:
        self._objects: dict[str, Any] = {}

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        return {"camera": frozenset({"height"}), "cube": frozenset({"x", "yaw"})}

    def build(self) -> None:
        bpy: Any = importlib.import_module("bpy")
        sun = bpy.data.lights.new("sun", "SUN")
        sun.energy, sun.angle = 2.0, 0.5
        camera = bpy.data.cameras.new("camera")
        camera.lens, camera.sensor_width = 50.0, 50.0
        for name, data in (("cube", _block(0.5, GREY)), ("floor", _block(0.9, RED)), ("sun", sun)):
            self._add(name, data)
        self._add("camera", camera)
        self._objects["cube"].location.z = 0.5
        self._objects["floor"].location.z = -0.9
        self._objects["sun"].rotation_euler = (0.5, 0.3, 0.0)
        bpy.context.scene.camera = self._objects["camera"]

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        node = graph.by_name["cube"]
        if node.cls != "cube":
            raise InputError("scene graph: node cube", f"class {node.cls}", "cube")
        self._objects["camera"].location = (0.0, 0.0, graph.by_name["camera"].attributes["height"])
        x = node.attributes["x"]
        self._objects["cube"].location.x = x if abs(x) < 100.0 else np.nan
        self._objects["cube"].rotation_euler.z = np.deg2rad(node.attributes["yaw"])
        return {"cube": self._objects["cube"]}

    def _add(self, name: str, data: Any) -> None:
        bpy: Any = importlib.import_module("bpy")
        self._objects[name] = bpy.data.objects.new(name, data)
        bpy.context.scene.collection.objects.link(self._objects[name])


class BlindScene(CubeScene):
    """The same without a camera."""

    def build(self) -> None:
        super().build()
        bpy: Any = importlib.import_module("bpy")
        bpy.context.scene.camera = None


def _block(half: float, colour: tuple[float, float, float, float]) -> Any:
    """A matte axis-parallel block, ``2 half`` wide."""
    bpy: Any = importlib.import_module("bpy")
    corners = np.array([[x, y, z] for x in (-half, half) for y in (-half, half) for z in (-half, half)])
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new("block")
    mesh.from_pydata(corners.tolist(), [], sides)
    material = bpy.data.materials.new("matte")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    diffuse, output = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeOutputMaterial")
    diffuse.inputs["Color"].default_value = colour
    tree.links.new(diffuse.outputs["BSDF"], output.inputs["Surface"])
    mesh.materials.append(material)
    return mesh
