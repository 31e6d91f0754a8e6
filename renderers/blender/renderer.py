"""BlenderRenderer: Blender scenes through Cycles on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph
from renderers.blender.cycles import POINT_FILTER_WIDTH, Cycles, Image, Shot
from renderers.blender.native import load_bpy
from renderers.blender.passes import CENTRE, COLOUR, image
from renderers.blender.scene import scene_class

PASSES = frozenset(COLOUR | CENTRE)
SEEDS = 1 << 31


class BlenderRenderer:
    """Renders with ``bpy``, which holds one file a process: making a second renderer ends the first.

    The seed steers the Monte-Carlo noise; equal scenes and seeds give equal bytes.

    Args:
        scene: What to render: ``tyol``, or a dotted path ``package.module:Class`` of a ``BlenderScene``.
        size: Height and width of the images, pixels.
        samples: Light paths a pixel; more of them, less noise.
        bounces: Bounces of light, 0 for direct light only.
        of_scene: The options of the scene's own class.

    Raises:
        InputError: If there is no such scene.
        MetasimError: If ``bpy`` cannot be loaded.
    """

    in_process = False

    def __init__(
        self,
        scene: str = "tyol",
        size: Annotated[int, Field(ge=4, le=8192)] = 64,
        samples: Annotated[int, Field(ge=1)] = 4,
        bounces: Annotated[int, Field(ge=0)] = 2,
        **of_scene: Any,
    ) -> None:
        self._scene = scene_class(scene)(**of_scene)
        self._size, self._samples, self._bounces = size, samples, bounces
        self._bpy = load_bpy()
        self._bpy.ops.wm.read_factory_settings(use_empty=True)
        self._scene.build()
        if self._bpy.context.scene.camera is None:
            raise InputError("renderer.scene", f"{scene} without a camera", "a scene that builds its camera")
        self._cycles: Cycles | None = Cycles(size)
        self._numbered: list[Any] = []

    @classmethod
    def part(cls, options: Mapping[str, Any]) -> type:
        """The scene's class, which takes the options that are not the engine's."""
        return scene_class(str(options.get("scene", "tyol")))

    @property
    def capabilities(self) -> Capabilities:
        """Colour, its intrinsic parts, geometry and ids, in a process of its own."""
        return Capabilities(
            passes=PASSES, size=(self._size, self._size), attributes=dict(self._scene.attributes)
        )

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        """Renders scenes, one frame each, in order; scene ``i`` has seed ``seed + i``.

        Raises:
            InputError: If a pass or a scene is beyond the engine.
            MetasimError: If a picture is not finite, or is not delivered.
        """
        if beyond := passes - PASSES:
            raise InputError("passes", ", ".join(sorted(beyond)), f"some of {', '.join(sorted(PASSES))}")
        return [self._frame(scene, passes, (seed + i) % SEEDS) for i, scene in enumerate(scenes)]

    def close(self) -> None:
        """Ends the session."""
        self._cycles = None

    def _frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        """One picture of the light over each pixel and one, sharp, of what lies at its centre."""
        self._number(scene, self._scene.apply(scene))
        soft = Shot(_layers(passes, COLOUR), self._samples, bounces=self._bounces, seed=seed)
        sharp = Shot(_layers(passes, CENTRE), samples=1, filter_width=POINT_FILTER_WIDTH, seed=seed)
        layers: dict[str, Image] = {}
        camera: Camera | None = None
        for shot in (soft, sharp):
            if shot.layers:
                taken, camera = self._shoot(shot)
                layers |= taken
        images = {name: image(name, layers, camera) for name in passes} if camera is not None else {}
        return Frame(images, camera)

    def _shoot(self, shot: Shot) -> tuple[dict[str, Image], Camera]:
        if self._cycles is None:
            raise MetasimError("the renderer is closed")
        taken, camera = self._cycles.shoot(shot)
        layers = {name: taken[name] for name in shot.layers}
        if strange := [name for name, values in layers.items() if not np.isfinite(values).all()]:
            raise MetasimError(f"Cycles: {', '.join(strange)} not finite")
        return layers, camera

    def _number(self, scene: SceneGraph, objects: Mapping[str, Any]) -> None:
        """Gives the objects of nodes their instance ids, and all others that of the background."""
        for shape in self._numbered:
            shape.pass_index = 0
        self._bpy.context.view_layer.update()
        for name, shape in objects.items():
            if not np.isfinite(np.array(shape.matrix_world)).all():
                raise MetasimError(f"{name}: its pose is not finite")
            shape.pass_index = scene.index(name) + 1
        self._numbered = list(objects.values())


def _layers(passes: frozenset[Pass], known: Mapping[Pass, frozenset[str]]) -> frozenset[str]:
    """The layers of Cycles that those of the passes need that are known."""
    return frozenset().union(*(known[name] for name in passes & known.keys()))
