"""The cube's scene, where the cube's class may say that it crashes Blender, hangs or stands nowhere."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from cube_scene import CubeScene

from metasim.scene.graph import SceneGraph


class FaultScene(CubeScene):
    """Classes of the cube: ``cube``, ``crash``, ``hang``, ``nan``."""

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        nodes = [replace(node, cls="cube") if node.name == "cube" else node for node in graph.nodes]
        shown = super().apply(SceneGraph(tuple(nodes)))
        fault = graph.by_name["cube"].cls
        if fault == "crash":
            self._objects["cube"].data = _broken_mesh()
        if fault == "hang":
            time.sleep(1000)
        self._objects["cube"].location.y = np.nan if fault == "nan" else 0.0
        return shown


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
