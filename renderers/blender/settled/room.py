"""RoomScene: the user's own meshes on furniture in a simple room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.assets.scene import AssetsScene
from renderers.blender.native import load_bpy
from renderers.blender.objects.lights import ENVIRONMENT, SUN, Lights
from renderers.blender.objects.sphere import seen_from
from renderers.blender.settled.furniture import FURNITURE, ROOM, mesh_of, top
from renderers.blender.settled.physics import lift, settle
from renderers.blender.tyol.datablocks import add_object, move
from renderers.blender.tyol.pose import DEFAULTS, Floats, turn

CAMERA = {"azimuth": -60.0, "elevation": 25.0, "radius": 3.5, "fov": 50.0}
PLACE = {"x": 0.0, "y": 0.0, "yaw": 0.0}
"""Attributes of the camera, which looks at the middle of the room, and of furniture: metres and degrees."""

LOOK_AT = (0.0, 0.0, 0.7)


class Room:
    """Floor, walls, furniture, light and camera."""

    def __init__(self) -> None:
        self._lights = Lights()
        self._camera: Any = None
        self._walls: Any = None
        self._meshes: dict[str, Any] = {}
        self._pieces: dict[str, list[Any]] = {}

    def build(self) -> None:
        """Adds the room, one mesh for each class of furniture, light and a camera."""
        bpy = load_bpy()
        self._walls = add_object("room", mesh_of("room", ROOM))
        self._meshes = {cls: mesh_of(cls, boxes) for cls, boxes in FURNITURE.items()}
        self._camera = add_object("camera", bpy.data.cameras.new("camera"))
        self._camera.data.clip_start = 0.01
        bpy.context.scene.camera = self._camera
        self._lights.build()

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Furnishes, lights and looks at the room as a graph says.

        Returns:
            The ``bpy.types.Object`` of the nodes of room and furniture, by name.
        """
        for piece in (piece for several in self._pieces.values() for piece in several):
            piece.hide_render = True
        of_class: Counter[str] = Counter()
        shown: dict[str, object] = {node.name: self._walls for node in graph.of_symbol("room")}
        for node in furniture(graph):
            shown[node.name] = self._place(node, of_class[node.cls])
            of_class[node.cls] += 1
        nodes = graph.of_symbol("camera")
        values = {**CAMERA, **(nodes[0].attributes if nodes else {})}
        matrix = seen_from(values["azimuth"], values["elevation"], values["radius"])
        matrix[:3, 3] += LOOK_AT
        move(self._camera, matrix)
        self._camera.data.angle = np.deg2rad(values["fov"])
        self._lights.apply(graph)
        return shown

    def _place(self, node: SceneNode, earlier: int) -> Any:
        """Shows a piece of furniture, of whose class some others are shown already."""
        pieces = self._pieces.setdefault(node.cls, [])
        if earlier == len(pieces):
            pieces.append(add_object(node.cls, self._meshes[node.cls]))
        move(pieces[earlier], _pose(node, 0.0))
        pieces[earlier].hide_render = False
        return pieces[earlier]


def furniture(graph: SceneGraph) -> tuple[SceneNode, ...]:
    """The nodes of a graph that are pieces of furniture."""
    return tuple(node for node in graph.nodes if node.cls in FURNITURE)


def _pose(node: SceneNode, height: float) -> Floats:
    """World matrix (4, 4) of the top of a piece of furniture, or of what is at a height of it."""
    values = {**PLACE, **node.attributes}
    matrix = np.eye(4)
    matrix[:3, :3] = turn(2, values["yaw"])
    matrix[:3, 3] = values["x"], values["y"], height
    return matrix


class RoomScene(AssetsScene):
    """Objects that settle on what they stand on: the piece of furniture that is their parent, or the floor.

    Furniture are the nodes of the classes of ``FURNITURE``; a node ``room`` stands for floor and walls.
    ``loc_x`` and ``loc_z`` of an object count from the middle of its parent's top. Options are those of
    ``AssetsScene``.
    """

    stage: ClassVar[type] = Room

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        """Attribute names the scene gives a meaning to, by symbol."""
        own = {"camera": CAMERA, "light": SUN, "environment": ENVIRONMENT, **dict.fromkeys(FURNITURE, PLACE)}
        known = {symbol: frozenset(values) for symbol, values in own.items()}
        return known | {"object": frozenset(DEFAULTS["object"]) | {"asset"}}

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Furnishes the room and drops the objects; see ``AssetsScene.apply``."""
        shown: Mapping[str, Any] = super().apply(graph)
        objects = graph.of_symbol("object")
        for node in objects:
            parent = graph.nodes[node.parent or 0]
            if parent.cls in FURNITURE:
                move(
                    shown[node.name], _pose(parent, top(parent.cls)) @ np.array(shown[node.name].matrix_world)
                )
        falling = [shown[node.name] for node in objects]
        lift(falling)
        settle(falling, [shown[node.name] for node in furniture(graph)])
        return shown
