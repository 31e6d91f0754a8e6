"""Cycles on the CPU, deterministic, its passes read from memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import MetasimError
from metasim.rendering.camera import Camera
from renderers.blender.native import load_bpy
from renderers.blender.optics import pinhole
from renderers.blender.settings import changed, settle

Image = npt.NDArray[np.float32]

SWITCHES = {
    "Combined": "use_pass_combined",
    "Depth": "use_pass_z",
    "Position": "use_pass_position",
    "Normal": "use_pass_normal",
    "UV": "use_pass_uv",
    "Vector": "use_pass_vector",
    "IndexOB": "use_pass_object_index",
    "IndexMA": "use_pass_material_index",
    "DiffCol": "use_pass_diffuse_color",
    "DiffDir": "use_pass_diffuse_direct",
    "DiffInd": "use_pass_diffuse_indirect",
    "GlossCol": "use_pass_glossy_color",
    "GlossDir": "use_pass_glossy_direct",
    "GlossInd": "use_pass_glossy_indirect",
    "TransCol": "use_pass_transmission_color",
    "TransDir": "use_pass_transmission_direct",
    "TransInd": "use_pass_transmission_indirect",
    "Emit": "use_pass_emit",
    "Env": "use_pass_environment",
}
"""The property of a view layer that switches on each layer of Blender's."""

VOLUME_SWITCHES = {"VolumeDir": "use_pass_volume_direct", "VolumeInd": "use_pass_volume_indirect"}
"""The same for the layers of Cycles' own, whose switches lie elsewhere."""

PIXEL_FILTER_WIDTH = 1.5
POINT_FILTER_WIDTH = 0.01


@dataclass(frozen=True)
class Shot:
    """How to take one picture.

    Attributes:
        layers: Names of the Cycles layers wanted.
        samples: Paths a pixel.
        bounces: Bounces of light.
        seed: Seed of the Monte-Carlo noise.
        centres: Whether a pixel shows the point at its centre, as a pinhole sees it at one moment; else
            the mean over its area, the lens's aperture and the shutter's time.
    """

    layers: frozenset[str]
    samples: int = 1
    bounces: int = 0
    seed: int = 0
    centres: bool = False


class Cycles:
    """The render session of this process's Blender file.

    Cycles hands its result to Blender through a Python class; a hook there reads all layers from
    memory, where the image that Blender shows in its stead is empty without a window, and files
    are slow.

    Args:
        size: Height and width, pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._bpy = load_bpy()
        self._size = size
        self._scene = self._bpy.context.scene
        self._layers: dict[str, Image] = {}
        self._camera: Camera | None = None
        self._error: Exception | None = None
        settle(self._scene, size)

    def shoot(
        self, shot: Shot, look: Callable[[Any], None] = lambda depsgraph: None
    ) -> tuple[Mapping[str, Image], Camera]:
        """Renders the scene as it stands.

        Args:
            shot: How.
            look: Called with the evaluated scene (``bpy.types.Depsgraph``) that was rendered.

        Returns:
            Scene-linear layers (H, W) or (H, W, C) by name, row 0 on top, and the camera.

        Raises:
            InputError: If the camera is no pinhole.
            MetasimError: If Blender delivers no picture.
        """
        self._layers, self._camera, self._error = {}, None, None
        centres = [(self._scene.render, "use_motion_blur", False)]
        centres += [(self._scene.camera.data.dof, "use_dof", False)]
        with changed(centres if shot.centres else []):
            self._prepare(shot)
            with self._hooked(shot, look):
                self._bpy.ops.render.render()
        if self._error is not None:
            raise self._error
        if self._camera is None or not shot.layers <= self._layers.keys():
            raise MetasimError("Blender delivered no picture")
        return self._layers, self._camera

    def camera(self) -> Camera:
        """The camera as the scene stands; ``InputError`` if it is no pinhole."""
        return pinhole(self._bpy.context.evaluated_depsgraph_get(), self._size)

    def neighbours(self) -> tuple[Camera, Camera]:
        """The cameras of the frames before and after the timeline's current one."""
        frame = self._scene.frame_current
        try:
            return self._camera_at(frame - 1), self._camera_at(frame + 1)
        finally:
            self._scene.frame_set(frame)

    def _camera_at(self, frame: int) -> Camera:
        self._scene.frame_set(frame)
        return self.camera()

    def _prepare(self, shot: Shot) -> None:
        view = self._scene.view_layers[0]
        for owner, switches in ((view, SWITCHES), (view.cycles, VOLUME_SWITCHES)):
            for layer, switch in switches.items():
                if getattr(owner, switch) != (layer in shot.layers):
                    setattr(owner, switch, layer in shot.layers)
        cycles = self._scene.cycles
        cycles.samples, cycles.max_bounces, cycles.seed = shot.samples, shot.bounces, shot.seed
        cycles.filter_width = POINT_FILTER_WIDTH if shot.centres else PIXEL_FILTER_WIDTH
        # Without the tag, persistent data hides changes of seed, samples, filter and bounces from Cycles.
        self._scene.update_tag()

    @contextmanager
    def _hooked(self, shot: Shot, look: Callable[[Any], None]) -> Iterator[None]:
        engines = self._bpy.types.RenderEngine.__subclasses__()
        cls: Any = next(engine for engine in engines if engine.__name__ == "CyclesRender")
        original = cls.render

        def render(engine: Any, depsgraph: Any) -> None:
            original(engine, depsgraph)
            # Blender prints what is raised in here, and goes on.
            try:
                self._layers = dict(self._read(engine.get_result().layers[0].passes, shot.layers))
                self._camera = pinhole(depsgraph, self._size)
                look(depsgraph)
            except Exception as error:
                self._error = error

        cls.render = render
        try:
            yield
        finally:
            cls.render = original

    def _read(self, layers: Iterable[Any], wanted: frozenset[str]) -> Iterator[tuple[str, Image]]:
        height, width = self._size
        for layer in layers:
            if layer.name in wanted:
                flat = np.empty(height * width * layer.channels, dtype=np.float32)
                layer.rect.foreach_get(flat)
                image = flat.reshape(height, width, layer.channels)[::-1]
                yield layer.name, np.ascontiguousarray(image[..., 0] if layer.channels == 1 else image)
