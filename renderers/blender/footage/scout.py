"""Reads what a .blend file shows, in a process of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from metasim.rendering.camera import Camera
from metasim.rendering.footage import Footage
from metasim.rendering.protocol import Pass
from renderers.blender.apart import ask
from renderers.blender.blend.file import notes, open_file
from renderers.blender.footage.surfaces import surfaces
from renderers.blender.footage.things import things
from renderers.blender.native import load_bpy
from renderers.blender.optics import pinhole
from renderers.blender.passes import CENTRE, COLOUR

_GLANCES = 9  # frames at which a lens that is animated is looked at


def scout(path: Path, size: tuple[int, int], with_surfaces: bool = False) -> Footage:
    """What a file shows.

    Args:
        path: The file.
        size: Height and width of the pictures, which the camera depends on.
        with_surfaces: Whether its triangles are wanted.

    Raises:
        InputError: If it cannot be read, or has no camera that is a pinhole.
        MetasimError: If Blender dies of it.
    """
    return ask(partial(_scout, size, with_surfaces), path)


def _scout(size: tuple[int, int], with_surfaces: bool, path: Path) -> Footage:
    open_file(path, str(path))
    context = load_bpy().context
    scene = context.scene
    scene.frame_set(scene.frame_start)
    found = things()
    numbers = {shape: number for number, shape in enumerate(found.values())}
    camera = pinhole(context.evaluated_depsgraph_get(), size)
    triangles = surfaces(numbers) if with_surfaces else None
    return Footage(
        first=scene.frame_start,
        last=scene.frame_end,
        frame_rate=scene.render.fps / scene.render.fps_base,
        things=tuple(found),
        size=size,
        camera=camera,
        zooms=_zooms(scene, size, camera),
        passes=frozenset(COLOUR | CENTRE) - {Pass.CLASS},
        surfaces=triangles,
        notes=notes(),
    )


def _zooms(scene: Any, size: tuple[int, int], camera: Camera) -> bool:
    """Whether the camera has another lens at any of some frames; asked only where one is animated."""
    animated = [shape.data.animation_data for shape in scene.objects if shape.type == "CAMERA"]
    if not any(animated) and not scene.timeline_markers:
        return False
    for frame in np.linspace(scene.frame_start, scene.frame_end, _GLANCES):
        scene.frame_set(round(frame))
        seen = pinhole(load_bpy().context.evaluated_depsgraph_get(), size)
        if not np.array_equal(seen.intrinsics, camera.intrinsics):
            return True
    return False
