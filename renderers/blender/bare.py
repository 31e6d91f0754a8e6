"""BareLoop: what a script of a few lines would do, the measure of what the engine costs beside Cycles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metasim.scene.graph import SceneGraph
from renderers.blender.devices import Device, use_device
from renderers.blender.native import load_bpy
from renderers.blender.scene import make_scene


class BareLoop:
    """Moves and renders the same scenes with the same settings, and leaves the pictures with Blender.

    It spares itself all that a loop can do without: it reads no pixels, makes no labels, checks
    nothing and sends nothing to another process.

    Args:
        scene: As ``BlenderRenderer`` has it.
        size: Height and width, pixels.
        samples: Light paths a pixel.
        bounces: Bounces of light.
        device: Where Cycles computes.
        of_scene: The options of the scene's own class.
    """

    def __init__(
        self,
        scene: str | Path = "tyol",
        size: int = 64,
        samples: int = 4,
        bounces: int = 2,
        device: Device = "auto",
        **of_scene: Any,
    ) -> None:
        self._scene = make_scene(str(scene), of_scene)
        self._bpy = load_bpy()
        self._bpy.ops.wm.read_factory_settings(use_empty=True)
        self._scene.build()
        self._file = self._bpy.context.scene
        render, cycles = self._file.render, self._file.cycles
        render.engine = "CYCLES"
        render.resolution_x = render.resolution_y = size
        render.resolution_percentage = 100
        render.use_persistent_data = True
        render.use_compositing = render.use_sequencer = False
        render.threads_mode, render.threads = "FIXED", 1
        cycles.use_adaptive_sampling = cycles.use_denoising = cycles.use_light_tree = False
        cycles.use_auto_tile = False
        cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.5
        use_device(self._file, device)
        cycles.samples, cycles.max_bounces = samples, bounces

    def render(self, graph: SceneGraph, seed: int) -> None:
        """Renders a scene with a seed."""
        self._scene.apply(graph)
        self._file.cycles.seed = seed
        self._file.update_tag()  # else persistent data hides the new seed
        self._bpy.ops.render.render()
