"""Reads what a .blend file shows, in a process of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from metasim.rendering.footage import Footage
from renderers.blender.apart import ask


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
    from renderers.blender.blend.file import notes, open_file
    from renderers.blender.footage.surfaces import surfaces
    from renderers.blender.footage.things import things
    from renderers.blender.native import load_bpy
    from renderers.blender.optics import pinhole

    open_file(path, str(path))
    context = load_bpy().context
    scene = context.scene
    scene.frame_set(scene.frame_start)
    found = things()
    numbers = {shape: number for number, shape in enumerate(found.values())}
    return Footage(
        first=scene.frame_start,
        last=scene.frame_end,
        frame_rate=scene.render.fps / scene.render.fps_base,
        things=tuple(found),
        camera=pinhole(context.evaluated_depsgraph_get(), size),
        surfaces=surfaces(numbers) if with_surfaces else None,
        notes=notes(),
    )
