"""ObjectsScene: one asset at a time in the cube [-1, 1]^3, before a camera that looks at the origin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metasim.base.errors import InputError, MetasimError
from metasim.base.validation import closest
from metasim.rendering.asset import Asset
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.assets.catalogue import Catalogue, Catalogued
from renderers.blender.native import load_bpy
from renderers.blender.objects.lights import ENVIRONMENT, SUN, Lights
from renderers.blender.objects.portrait import Portrait
from renderers.blender.objects.sphere import seen_from
from renderers.blender.tyol.datablocks import add_object, move

CAMERA = {"azimuth": 0.0, "elevation": 0.0, "radius": 2.0, "fov": 50.0}
"""Attributes of the camera's node; the field of view is that of the image's width."""

NEAREST, FARTHEST = 0.01, 100.0


class ObjectsScene(Catalogued):
    """Any asset of a folder, which is read when a graph first shows it and forgotten with the next one.

    The class of the node ``object`` and its attribute ``asset``, a number from 0 in alphabetical order, say
    which. An asset that cannot be read fails its scenes, and is not tried again.

    Args:
        assets: Folder of mesh files, or a text file that lists some in its folder; see ``Catalogue``.

    Raises:
        InputError: If there are none, or a manifest is wrong.
    """

    def __init__(self, assets: Path) -> None:
        self._catalogue = Catalogue.at(assets)
        self._assets = self._catalogue.by_class
        self._lights = Lights()
        self._camera: Any = None
        self._shown: Portrait | None = None
        self._broken: dict[str, str] = {}

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        """Attribute names the scene gives a meaning to, by symbol."""
        symbols = {"camera": CAMERA, "light": SUN, "environment": ENVIRONMENT, "object": {"asset"}}
        return {symbol: frozenset(names) for symbol, names in symbols.items()}

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is known of the asset that is shown, as JSON data."""
        return {} if self._shown is None else self._shown.facts

    def build(self) -> None:
        """Fills an empty Blender file with light and a camera."""
        bpy = load_bpy()
        self._camera = add_object("camera", bpy.data.cameras.new("camera"))
        self._camera.data.sensor_fit = "HORIZONTAL"
        self._camera.data.clip_start, self._camera.data.clip_end = NEAREST, FARTHEST
        bpy.context.scene.camera = self._camera
        self._lights.build()

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Shows, lights and looks at an asset as a graph says.

        Returns:
            The ``bpy.types.Object`` of the node ``object``, by its name.

        Raises:
            InputError: If the graph has not one object, or there is no such asset.
            MetasimError: If the asset cannot be read.
        """
        objects = graph.of_symbol("object")
        if len(objects) != 1:
            raise InputError("scene graph", f"{len(objects)} nodes of symbol object", "one")
        self._show(self._asset(objects[0]))
        assert self._shown is not None
        nodes = graph.of_symbol("camera")
        values = {**CAMERA, **(nodes[0].attributes if nodes else {})}
        move(self._camera, seen_from(values["azimuth"], values["elevation"], values["radius"]))
        self._camera.data.angle = np.deg2rad(values["fov"])
        self._lights.apply(graph)
        return {objects[0].name: self._shown.thing}

    def _asset(self, node: SceneNode) -> Asset:
        where = f"scene graph: node {node.name}"
        if node.cls not in self._assets:
            raise InputError(where, f"class {node.cls}", closest(node.cls, self._assets))
        several, number = self._assets[node.cls], int(node.attributes.get("asset", 0))
        if not 0 <= number < len(several):
            raise InputError(f"{where}.asset", str(number), f"from 0 to {len(several) - 1}")
        return several[number]

    def _show(self, asset: Asset) -> None:
        if asset.name in self._broken:
            raise MetasimError(self._broken[asset.name])
        if self._shown is not None and self._shown.asset.name == asset.name:
            return
        if self._shown is not None:
            self._shown.remove()
            self._shown = None
        try:
            self._shown = Portrait.of(asset)
        except InputError as error:
            self._broken[asset.name] = f"{asset.name}: {error.got}; expected {error.expected}"
            raise MetasimError(self._broken[asset.name]) from error
