"""Stage: the paved table, the sun, the dim blue sky and the orbiting camera around what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metasim.scene.graph import SceneGraph
from renderers.blender.native import load_bpy
from renderers.blender.tyol.datablocks import add_mesh, add_object, move
from renderers.blender.tyol.light import SUN_PER_INTENSITY, add_sky, add_sun
from renderers.blender.tyol.pose import CAMERA_DISTANCE, DEFAULTS, FIELD_OF_VIEW_DEG, camera_matrix
from renderers.blender.tyol.table import table_mesh, table_texture


class Stage:
    """What every scene on the table has in common, moved by the nodes light, camera and table.

    Args:
        field_of_view: Degrees that the camera sees across.
    """

    def __init__(self, field_of_view: float = FIELD_OF_VIEW_DEG) -> None:
        self._field_of_view = field_of_view
        self._things: dict[str, Any] = {}

    def build(self) -> None:
        """Adds table, sun, sky and camera to the Blender file."""
        self._things["table"] = add_mesh("table", table_mesh(), table_texture())
        self._things["sun"] = add_sun()
        self._things["camera"] = _add_camera(self._field_of_view)
        add_sky()

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Lights the table and places the camera as a graph says.

        Returns:
            The table's ``bpy.types.Object`` by node name, nothing if the graph has no table.
        """
        self._things["sun"].data.energy = SUN_PER_INTENSITY * _values(graph, "light")["intensity"]
        move(self._things["camera"], camera_matrix(_values(graph, "camera")))
        return {node.name: self._things["table"] for node in graph.of_symbol("table")}


def _values(graph: SceneGraph, symbol: str) -> Mapping[str, float]:
    """The attributes of the first node of a symbol, defaults where it or they are missing."""
    nodes = graph.of_symbol(symbol)
    return {**DEFAULTS[symbol], **(nodes[0].attributes if nodes else {})}


def _add_camera(field_of_view: float) -> Any:
    """The camera, as the scene's own."""
    bpy = load_bpy()
    data = bpy.data.cameras.new("camera")
    data.angle = np.deg2rad(field_of_view)
    data.clip_start, data.clip_end = 0.1 * CAMERA_DISTANCE, 10.0 * CAMERA_DISTANCE
    camera = add_object("camera", data)
    bpy.context.scene.camera = camera
    return camera
