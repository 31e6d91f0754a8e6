"""TyolScene: an everyday object on a paved table, a sun, a dim blue sky and a camera, in Blender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from metasim.base.errors import InputError
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.tyol.datablocks import add_mesh, add_object, move
from renderers.blender.tyol.light import tinted
from renderers.blender.tyol.objects import CLASSES, make_prop
from renderers.blender.tyol.paint import Floats
from renderers.blender.tyol.pose import DEFAULTS, FIELD_OF_VIEW_DEG, object_matrix
from renderers.blender.tyol.stage import Stage


class TyolScene:
    """Objects on the table, wherever the graph puts them, be it into each other.

    Args:
        copies: How many objects of one class a graph may show.
        field_of_view: Degrees that the camera sees across.
    """

    licences: ClassVar = {"objects and table, modelled and painted by metasim": "Apache-2.0"}

    def __init__(
        self,
        copies: Annotated[int, Field(ge=1)] = 1,
        field_of_view: Annotated[float, Field(gt=0, lt=180)] = FIELD_OF_VIEW_DEG,
    ) -> None:
        self._stage = Stage(field_of_view)
        self._copies = copies
        self._things: dict[str, list[Any]] = {}
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
            first = add_mesh(cls, prop.mesh, prop.texture)
            # All of them now: a mesh of several users is rendered otherwise, in the last bits, than of one.
            more = [add_object(cls, first.data) for _ in range(self._copies - 1)]
            self._things[cls] = [first, *more]
        self._stage.build()

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Moves, tints and lights the scene as a graph says.

        Returns:
            The table's and the objects' ``bpy.types.Object`` by node name.

        Raises:
            InputError: If an object is of an unknown class, or too many are of one.
        """
        for thing in (thing for things in self._things.values() for thing in things):
            thing.hide_render = True
        earlier: Counter[str] = Counter()
        shown: dict[str, object] = {}
        for node in graph.of_symbol("object"):
            shown[node.name] = self._place(node, earlier[node.cls])
            earlier[node.cls] += 1
        return shown | dict(self._stage.apply(graph))

    def _place(self, node: SceneNode, earlier: int) -> object:
        """Shows the object of a node, before which the graph has some of its class, where it says."""
        where = f"scene graph: node {node.name}"
        if node.cls not in CLASSES:
            raise InputError(where, f"class {node.cls}", f"one of {', '.join(CLASSES)}")
        if earlier >= self._copies:
            expected = f"at most {self._copies} of a class, or more renderer.copies"
            raise InputError(where, f"{node.cls} number {earlier + 1}", expected)
        thing = self._things[node.cls][earlier]
        values = {**DEFAULTS["object"], **node.attributes}
        move(thing, object_matrix(values, self._vertices[node.cls]))
        thing.color = tinted(values["warmth"], values["tint"])
        thing.hide_render = False
        return thing
