"""A scene where the class of a node may say that it crashes Blender, hangs, or stands nowhere."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from metasim.scene.graph import SceneGraph
from renderers.blender.blend.scene import BlendScene
from renderers.blender.tyol.scene import TyolScene

FAULTS = ("crash", "hang", "nan")


class FaultScene:
    """The default scene, or a .blend file with cars; a fault befalls a mug, or a van.

    Args:
        blend: The file.
        bind: What is bound in it.
    """

    def __init__(self, blend: Path | None = None, bind: dict[str, Any] | None = None) -> None:
        self._scene = TyolScene() if blend is None else BlendScene(blend, bind)
        self._node, self._sound = ("object", "mug") if blend is None else ("car", "van")
        self._astray: tuple[Any, float] | None = None

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        return self._scene.attributes

    def build(self) -> None:
        self._scene.build()

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        if self._astray is not None:
            thing, thing.location.y = self._astray
            self._astray = None
        sound = [replace(node, cls=self._sound) if node.cls in FAULTS else node for node in graph.nodes]
        shown = self._scene.apply(SceneGraph(tuple(sound)))
        self._spoil(shown[self._node], graph.by_name[self._node].cls)
        return shown

    def _spoil(self, thing: Any, fault: str) -> None:
        if fault == "crash":
            thing.data = _broken_mesh()
        if fault == "hang":
            time.sleep(1000)
        if fault == "nan":
            self._astray = thing, thing.location.y
            thing.location.y = np.nan


def _broken_mesh() -> Any:
    """Faces of vertices that are not there, as a script that does not validate leaves them."""
    bpy: Any = importlib.import_module("bpy")
    mesh = bpy.data.meshes.new("broken")
    mesh.vertices.add(3)
    mesh.loops.add(3)
    mesh.polygons.add(1)
    mesh.polygons.foreach_set("loop_start", [0])
    mesh.loops.foreach_set("vertex_index", [10**8, 2 * 10**8, 3 * 10**8])
    mesh.update()
    return mesh
