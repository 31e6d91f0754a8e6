"""Lights: suns from anywhere and an even environment, by the nodes of a scene graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from metasim.rendering.kelvin import WHITE, kelvin_linear
from metasim.scene.graph import SceneGraph
from renderers.blender.native import load_bpy
from renderers.blender.objects.sphere import seen_from
from renderers.blender.tyol.datablocks import add_object, move

SUN = {"azimuth": 0.0, "elevation": 45.0, "strength": 1.0, "kelvin": WHITE, "width": 1.0}
ENVIRONMENT = {"strength": 1.0, "kelvin": WHITE}
"""Attributes of the nodes ``light`` and ``environment``. A white surface that a light of strength 1 falls
on straight is as bright as white; width is the angle of the sun's disc."""


class Lights:
    """All light of a Blender file."""

    def __init__(self) -> None:
        self._suns: list[Any] = []

    def build(self) -> None:
        """Adds the environment."""
        bpy = load_bpy()
        world = bpy.data.worlds.new("environment")
        world.use_nodes = True
        bpy.context.scene.world = world

    def apply(self, graph: SceneGraph) -> None:
        """Lights the scene as a graph says; without a node ``environment`` by white light from everywhere."""
        nodes = graph.of_symbol("light")
        while len(self._suns) < len(nodes):
            self._suns.append(add_object("sun", load_bpy().data.lights.new("sun", "SUN")))
        for sun in self._suns[len(nodes) :]:
            sun.hide_render = True
        for sun, node in zip(self._suns, nodes, strict=False):
            _shine(sun, {**SUN, **node.attributes})
        given = graph.of_symbol("environment")
        _surround({**ENVIRONMENT, **(given[0].attributes if given else {})})


def _shine(sun: Any, values: dict[str, float]) -> None:
    sun.hide_render = False
    move(sun, seen_from(values["azimuth"], values["elevation"], 1.0))
    sun.data.energy = np.pi * values["strength"]
    sun.data.angle = np.deg2rad(values["width"])
    sun.data.color = kelvin_linear(values["kelvin"]).tolist()


def _surround(values: dict[str, float]) -> None:
    background = load_bpy().context.scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*kelvin_linear(values["kelvin"]).tolist(), 1.0)
    background.inputs["Strength"].default_value = values["strength"]
