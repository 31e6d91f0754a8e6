"""Cycles on the CPU, deterministic, its passes read from memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import MetasimError
from metasim.rendering.camera import Camera
from renderers.blender.native import load_bpy

Image = npt.NDArray[np.float32]

SWITCHES = {
    "Combined": "use_pass_combined",
    "Depth": "use_pass_z",
    "Position": "use_pass_position",
    "Normal": "use_pass_normal",
    "UV": "use_pass_uv",
    "IndexOB": "use_pass_object_index",
    "DiffCol": "use_pass_diffuse_color",
    "DiffDir": "use_pass_diffuse_direct",
    "DiffInd": "use_pass_diffuse_indirect",
}
"""The property of a view layer that switches on each layer of Cycles."""

PIXEL_FILTER_WIDTH = 1.5
POINT_FILTER_WIDTH = 0.01


@dataclass(frozen=True)
class Shot:
    """How to take one picture.

    Attributes:
        layers: Names of the Cycles layers wanted.
        samples: Paths a pixel.
        filter_width: Width of the pixel filter, pixels.
        bounces: Bounces of light.
        seed: Seed of the Monte-Carlo noise.
    """

    layers: frozenset[str]
    samples: int
    filter_width: float = PIXEL_FILTER_WIDTH
    bounces: int = 0
    seed: int = 0


class Cycles:
    """The render session of this process's Blender file.

    Cycles hands its result to Blender through a Python class; a hook there reads all layers from
    memory, where the image that Blender shows in its stead is empty without a window, and files
    are slow.

    Args:
        size: Height and width, pixels.
    """

    def __init__(self, size: int) -> None:
        self._bpy = load_bpy()
        self._size = size
        self._scene = self._bpy.context.scene
        self._layers: dict[str, Image] = {}
        self._camera: Camera | None = None
        _settle(self._scene, size)

    def shoot(self, shot: Shot) -> tuple[Mapping[str, Image], Camera]:
        """Renders the scene as it stands.

        Returns:
            Scene-linear layers (H, W) or (H, W, C) by name, row 0 on top, and the camera.

        Raises:
            MetasimError: If Blender delivers no picture.
        """
        self._prepare(shot)
        self._layers, self._camera = {}, None
        with self._hooked():
            self._bpy.ops.render.render()
        if self._camera is None or not shot.layers <= self._layers.keys():
            raise MetasimError("Blender delivered no picture")
        return self._layers, self._camera

    def _prepare(self, shot: Shot) -> None:
        view = self._scene.view_layers[0]
        for layer, switch in SWITCHES.items():
            if getattr(view, switch) != (layer in shot.layers):
                setattr(view, switch, layer in shot.layers)
        cycles = self._scene.cycles
        cycles.samples, cycles.filter_width = shot.samples, shot.filter_width
        cycles.max_bounces, cycles.seed = shot.bounces, shot.seed
        # Without the tag, persistent data hides changes of seed, samples, filter and bounces from Cycles.
        self._scene.update_tag()

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        engines = self._bpy.types.RenderEngine.__subclasses__()
        cls: Any = next(engine for engine in engines if engine.__name__ == "CyclesRender")
        original = cls.render

        def render(engine: Any, depsgraph: Any) -> None:
            original(engine, depsgraph)
            self._layers = dict(self._read(engine.get_result().layers[0].passes))
            self._camera = _camera(depsgraph, self._size)

        cls.render = render
        try:
            yield
        finally:
            cls.render = original

    def _read(self, layers: Iterable[Any]) -> Iterator[tuple[str, Image]]:
        for layer in layers:
            flat = np.empty(self._size * self._size * layer.channels, dtype=np.float32)
            layer.rect.foreach_get(flat)
            image = flat.reshape(self._size, self._size, layer.channels)[::-1]
            yield layer.name, np.ascontiguousarray(image[..., 0] if layer.channels == 1 else image)


def _settle(scene: Any, size: int) -> None:
    """Everything that never changes: small, deterministic pictures without post-processing."""
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = size
    render.resolution_percentage = 100
    render.use_persistent_data = True
    render.use_compositing = render.use_sequencer = False
    render.threads_mode, render.threads = "FIXED", 1
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = cycles.use_denoising = cycles.use_light_tree = False
    cycles.use_auto_tile = False
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"


def _camera(depsgraph: Any, size: int) -> Camera:
    """The evaluated camera of a render."""
    camera = depsgraph.scene_eval.camera
    projection = np.array(camera.calc_matrix_camera(depsgraph, x=size, y=size), dtype=np.float64)
    half = size / 2.0
    intrinsics = np.array(
        [
            [projection[0, 0] * half, 0.0, half * (1.0 - projection[0, 2])],
            [0.0, projection[1, 1] * half, half * (1.0 + projection[1, 2])],
            [0.0, 0.0, 1.0],
        ]
    )
    return Camera(intrinsics, np.array(camera.matrix_world, dtype=np.float64))
