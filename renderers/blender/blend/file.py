"""Opens a .blend file without running what is in it, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError
from renderers.blender.native import load_bpy

_READ_FROM_DISK = ("FILE", "SEQUENCE", "MOVIE", "TILED")


def open_file(path: Path, where: str) -> None:
    """Makes a file the process's own.

    Text blocks that would run on opening and Python drivers do not run; open shading language, which is
    a program too, is switched off.

    Args:
        path: The file.
        where: What messages call it.

    Raises:
        InputError: If it cannot be read, or has no camera.
    """
    bpy = load_bpy()
    if not path.is_file():
        raise InputError(where, f"no file {path}", "a .blend file")
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.resolve()), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise InputError(where, " ".join(str(error).split()), "a .blend file") from error
    scene = bpy.context.scene
    if scene.camera is None:
        raise InputError(where, f"scene {scene.name} of {path.name} without a camera", "one active camera")
    if hasattr(scene.cycles, "shading_system"):
        scene.cycles.shading_system = False


def notes() -> tuple[str, ...]:
    """What the user should know of the open file, a line each."""
    found = (*_of_version(), *_of_libraries(), *_of_images(), *_of_scripts(), *_of_units())
    return tuple(found)


def _of_version() -> Iterator[str]:
    bpy = load_bpy()
    if tuple(bpy.data.version[:2]) > tuple(bpy.app.version[:2]):
        versions = [".".join(map(str, v[:2])) for v in (bpy.data.version, bpy.app.version)]
        yield f"saved by Blender {versions[0]}, read by {versions[1]}, which may lose parts of it"


def _of_libraries() -> Iterator[str]:
    bpy = load_bpy()
    for library in bpy.data.libraries:
        there = Path(bpy.path.abspath(library.filepath)).is_file()
        yield f"{'linked' if there else 'missing'} library {library.filepath}"


def _of_images() -> Iterator[str]:
    for image in load_bpy().data.images:
        outside = image.users and image.source in _READ_FROM_DISK and image.packed_file is None
        if outside and image.filepath and not _exists(image):
            yield f"missing texture {image.name}: {image.filepath}"


def _exists(image: Any) -> bool:
    path = Path(load_bpy().path.abspath(image.filepath, library=image.library))
    if "<UDIM>" in path.name:
        return any(path.parent.glob(path.name.replace("<UDIM>", "[0-9][0-9][0-9][0-9]")))
    return path.is_file()


def _of_scripts() -> Iterator[str]:
    bpy = load_bpy()
    for text in bpy.data.texts:
        if text.use_module:
            yield f"script {text.name} would run on opening: it was not run"
    for kind in ("objects", "lights", "cameras", "materials", "worlds", "meshes", "shape_keys", "armatures"):
        for owner in getattr(bpy.data, kind):
            for holder in (owner, getattr(owner, "node_tree", None)):
                yield from _of_drivers(owner, getattr(holder, "animation_data", None))


def _of_drivers(owner: Any, animation: Any) -> Iterator[str]:
    for curve in animation.drivers if animation is not None else ():
        driver = curve.driver
        if driver.type == "SCRIPTED" and not driver.is_simple_expression:
            expression = " ".join(driver.expression.split())[:60]
            yield f"driver of {owner.name}.{curve.data_path} is Python, which does not run: {expression}"


def _of_units() -> Iterator[str]:
    scale = load_bpy().context.scene.unit_settings.scale_length
    if abs(scale - 1.0) > 1e-6:
        yield f"unit scale {scale:g}: a Blender unit counts as one metre all the same"
