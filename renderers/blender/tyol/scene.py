"""TyolScene: an everyday object on a paved table, a sun, a dim blue sky and a camera, in Blender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from metasim.base.errors import InputError
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.tyol.datablocks import add_mesh, move
from renderers.blender.tyol.light import tinted
from renderers.blender.tyol.objects import CLASSES, make_prop
from renderers.blender.tyol.paint import Floats
from renderers.blender.tyol.pose import DEFAULTS, object_matrix
from renderers.blender.tyol.stage import Stage


class TyolScene:
    """One object per graph on the table; several if they are of different classes."""

    licences: ClassVar = {"objects and table, modelled and painted by metasim": "Apache-2.0"}

    def __init__(self) -> None:
        self._stage = Stage()
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
        self._stage.build()

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
        return shown | dict(self._stage.apply(graph))

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
