"""Makes an animated .blend file for tests, and says where its things are at any time.

A turning cube flies over a floor past two of a kind, shown from one collection, while the camera, with a
shifted sensor and oblong pixels, moves and turns. All go at constant speed for ever. It runs as a program,
since Blender holds one file a process.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.rendering.camera import Camera

Floats = npt.NDArray[np.float64]

SIZE = (36, 48)
FPS = 50
LENS, SENSOR = 30.0, 36.0
ASPECT = 1.25
SHIFT = (0.06, -0.04)
PITCH = 60.0
CUBE, CUBE_SPEED, CUBE_TURN = np.array([-0.6, 0.2, 0.7]), np.array([0.02, 0.01, 0.005]), 1.5
EYE, EYE_SPEED, EYE_TURN = np.array([0.3, -3.2, 2.4]), np.array([-0.015, 0.02, 0.01]), 0.4
ELL = 0.3 * np.array([[0, 0], [3, 0], [3, 0.5], [1, 0.5], [1, 2], [0, 2]])
ELL_HEIGHT, ELL_YAW, ELL_PLACE = 0.2, 25.0, np.array([-1.6, -0.6, 0.0])
THINGS = ("Cube", "Cube.001", "Ell", "Floor", "Pin")
"""Names of what can be seen; what is never rendered is none of them."""


@dataclass(frozen=True)
class Film:
    """What varies from file to file.

    Attributes:
        first: First frame of the timeline.
        last: Last frame.
        zoom: Whether the lens changes.
        blur: Whether there is motion blur.
        deadly: Whether Blender dies of its surfaces as soon as it looks at them.
    """

    first: int = 1
    last: int = 12
    zoom: bool = False
    blur: bool = False
    deadly: bool = False


def make_film(path: Path, film: Film | None = None) -> Path:
    """Writes the file."""
    command = [sys.executable, __file__, str(path), json.dumps(asdict(film or Film()))]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return path


def turn(axis: int, degrees: float) -> Floats:
    """Rotation (3, 3) about a coordinate axis."""
    angle, matrix = np.deg2rad(degrees), np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[j, i], matrix[i, j] = np.sin(angle), -np.sin(angle)
    return matrix


def cube_pose(time: float) -> Floats:
    """World matrix (4, 4) of the flying cube at a frame of the file, whole or not."""
    pose = np.eye(4)
    pose[:3, :3] = turn(2, CUBE_TURN * time)
    pose[:3, 3] = CUBE + CUBE_SPEED * time
    return pose


def film_camera(time: float, size: tuple[int, int] = SIZE) -> Camera:
    """The camera at a frame of the file, whole or not."""
    height, width = size
    focal, pose = LENS / SENSOR * width, np.eye(4)
    centre = (width / 2 - SHIFT[0] * width, height / 2 + SHIFT[1] * width * ASPECT)
    pose[:3, :3] = turn(2, EYE_TURN * time) @ turn(0, PITCH)
    pose[:3, 3] = EYE + EYE_SPEED * time
    return Camera(np.array([[focal, 0, centre[0]], [0, focal * ASPECT, centre[1]], [0, 0, 1.0]]), pose)


def _build(path: Path, film: Film) -> None:
    bpy: Any = importlib.import_module("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.save_version = 0
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end, scene.render.fps = film.first, film.last, FPS
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = ASPECT, 1.0
    scene.render.use_motion_blur = film.blur
    _add_things(bpy)
    camera = bpy.data.cameras.new("Lens")
    camera.lens, camera.sensor_width, camera.sensor_fit = LENS, SENSOR, "HORIZONTAL"
    camera.shift_x, camera.shift_y = SHIFT
    if film.zoom:
        _key(camera, "lens", [np.array([LENS]), np.array([LENS + 1.0])])
    eye = _link(bpy, "Camera", camera)
    _key(eye, "location", [EYE, EYE + EYE_SPEED])
    _key(eye, "rotation_euler", [np.deg2rad([PITCH, 0, t]) for t in (0.0, EYE_TURN)])
    scene.camera = eye
    if film.deadly:
        _add_deadly(bpy)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def _add_things(bpy: Any) -> None:
    _link(bpy, "Floor", _block(bpy, (4.0, 4.0, 0.2))).location.z = -0.1
    cube = _link(bpy, "Cube", _block(bpy, (0.6, 0.5, 0.4)))
    _key(cube, "location", [CUBE, CUBE + CUBE_SPEED])
    _key(cube, "rotation_euler", [np.deg2rad([0, 0, t]) for t in (0.0, CUBE_TURN)])
    _link(bpy, "Cube.001", _block(bpy, (0.3, 0.3, 0.3))).location = (1.2, 0.8, 0.15)
    ell = _link(bpy, "Ell", _prism(bpy))
    ell.location, ell.rotation_euler = ELL_PLACE, (0.0, 0.0, np.deg2rad(ELL_YAW))
    _link(bpy, "Cutter", _block(bpy, (0.2, 0.2, 5.0))).hide_render = True
    pin = bpy.data.objects.new("Pin", _block(bpy, (0.15, 0.15, 0.6)))
    pins = bpy.data.collections.new("Pins")
    pins.objects.link(pin)
    for name, x in (("Left", -0.8), ("Right", 0.4)):
        shown = _link(bpy, name, None)
        shown.instance_type, shown.instance_collection = "COLLECTION", pins
        shown.location = (x, 1.4, 0.3)
    bpy.data.objects["Right"].parent = cube_parent = bpy.data.objects["Floor"]
    bpy.data.objects["Right"].matrix_parent_inverse = cube_parent.matrix_world.inverted()
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy = 3.0
    _link(bpy, "Sun", sun).rotation_euler = (0.5, 0.3, 0.0)


def _add_deadly(bpy: Any) -> None:
    """A block whose sides are of vertices far beyond its own."""
    mesh = _block(bpy, (1.0, 1.0, 1.0))
    mesh.loops.foreach_set("vertex_index", [2**30] * len(mesh.loops))
    _link(bpy, "Deadly", mesh)


def _key(owner: Any, path: str, values: Sequence[npt.NDArray[Any]]) -> None:
    """Gives the values at frames 0 and 1, and goes on like that."""
    for frame, value in enumerate(values):
        setattr(owner, path, value if len(value) > 1 else float(value[0]))
        owner.keyframe_insert(path, frame=frame)
    for curve in owner.animation_data.action.fcurves:
        curve.extrapolation = "LINEAR"
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


def _block(bpy: Any, size: tuple[float, float, float]) -> Any:
    corners = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new("block")
    mesh.from_pydata([tuple(c * s for c, s in zip(p, size, strict=True)) for p in corners], [], sides)
    return mesh


def _prism(bpy: Any) -> Any:
    """An L that stands on the ground."""
    number = len(ELL)
    corners = [(x, y, z) for z in (0.0, ELL_HEIGHT) for x, y in ELL.tolist()]
    walls = [(i, (i + 1) % number, number + (i + 1) % number, number + i) for i in range(number)]
    mesh = bpy.data.meshes.new("ell")
    mesh.from_pydata(corners, [], [*walls, tuple(range(number))[::-1], tuple(range(number, 2 * number))])
    return mesh


def _link(bpy: Any, name: str, data: Any) -> Any:
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    return made


if __name__ == "__main__":
    _build(Path(sys.argv[1]), Film(**json.loads(sys.argv[2])))
    os._exit(0)  # Blender may hang as it leaves
