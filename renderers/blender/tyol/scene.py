"""TyolScene: an everyday object on a paved table, a sun, a dim blue sky and a camera, in Blender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metasim.base.errors import InputError
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.native import load_bpy
from renderers.blender.tyol.datablocks import add_mesh, add_object, move
from renderers.blender.tyol.light import SUN_PER_INTENSITY, add_sky, add_sun, tinted
from renderers.blender.tyol.objects import CLASSES, make_prop
from renderers.blender.tyol.paint import Floats
from renderers.blender.tyol.pose import (
    CAMERA_DISTANCE,
    DEFAULTS,
    FIELD_OF_VIEW_DEG,
    camera_matrix,
    object_matrix,
)
from renderers.blender.tyol.table import table_mesh, table_texture


class TyolScene:
    """One object per graph on the table; several if they are of different classes."""

    def __init__(self) -> None:
        self._things: dict[str, Any] = {}
        self._vertices: dict[str, Floats] = {}

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        """Attribute names the scene gives a meaning to, by symbol."""
        return {symbol: frozenset(values) for symbol, values in DEFAULTS.items()}

    def build(self) -> None:
        """Fills an empty Blender file with all five objects, table, sun, sky and camera."""
        for cls in CLASSES:
            prop = make_prop(cls)
            self._vertices[cls] = prop.mesh.vertices
            self._things[cls] = add_mesh(cls, prop.mesh, prop.texture)
        self._things["table"] = add_mesh("table", table_mesh(), table_texture())
        self._things["sun"] = add_sun()
        self._things["camera"] = _add_camera()
        add_sky()

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Moves, tints and lights the scene as a graph says.

        Returns:
            The table's and the objects' ``bpy.types.Object`` by node name.

        Raises:
            InputError: If an object is of an unknown class, or two are of the same.
        """
        for cls in CLASSES:
            self._things[cls].hide_render = True
        shown = {node.name: self._place(node) for node in graph.of_symbol("object")}
        self._things["sun"].data.energy = SUN_PER_INTENSITY * _values(graph, "light")["intensity"]
        move(self._things["camera"], camera_matrix(_values(graph, "camera")))
        return shown | {node.name: self._things["table"] for node in graph.of_symbol("table")}

    def _place(self, node: SceneNode) -> object:
        """Shows the object of a node where its attributes say."""
        where = f"scene graph: node {node.name}"
        if node.cls not in CLASSES:
            raise InputError(where, f"class {node.cls}", f"one of {', '.join(CLASSES)}")
        thing = self._things[node.cls]
        if not thing.hide_render:
            raise InputError(where, f"a second {node.cls}", "objects of different classes")
        values = {**DEFAULTS["object"], **node.attributes}
        move(thing, object_matrix(values, self._vertices[node.cls]))
        thing.color = tinted(values["warmth"], values["tint"])
        thing.hide_render = False
        return thing


def _values(graph: SceneGraph, symbol: str) -> Mapping[str, float]:
    """The attributes of the first node of a symbol, defaults where it or they are missing."""
    nodes = graph.of_symbol(symbol)
    return {**DEFAULTS[symbol], **(nodes[0].attributes if nodes else {})}


def _add_camera() -> Any:
    """The camera, as the scene's own."""
    bpy = load_bpy()
    data = bpy.data.cameras.new("camera")
    data.angle = np.deg2rad(FIELD_OF_VIEW_DEG)
    data.clip_start, data.clip_end = 0.1 * CAMERA_DISTANCE, 10.0 * CAMERA_DISTANCE
    camera = add_object("camera", data)
    bpy.context.scene.camera = camera
    return camera
