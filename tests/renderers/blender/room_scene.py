"""A .blend file made for the tests, the numbers that are in it, and the scene that moves it.

On a bumpy floor under a sky: a crate of two materials that turns and slides along the timeline, a glass
ball, a lamp with a glowing child, a cloud, and a screen that may stand before the crate. The camera, with
a shifted sensor, oblong pixels and a lens wide open, moves, turns and zooms.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.rendering.camera import Camera
from metasim.scene.graph import SceneGraph, SceneNode

Floats = npt.NDArray[np.float64]

SIZE = (40, 64)
ASPECT = 1.25
SENSOR = 36.0
FRAME = 10
CRATE = np.array([0.9, 0.6, 0.5])
CRATE_YAW = {9: 22.0, 10: 30.0, 11: 41.0}
CRATE_X = {9: -0.25, 10: -0.2, 11: -0.1}
CAMERA_X = {9: -0.1, 10: 0.0, 11: 0.2}
CAMERA_PITCH = {9: 64.0, 10: 66.0, 11: 67.0}
CAMERA_YAW = {9: -1.0, 10: 2.0, 11: 4.0}
LENS = {9: 31.0, 10: 32.0, 11: 34.0}
SHIFT_X = {9: 0.04, 10: 0.06, 11: 0.09}
SHIFT_Y = -0.05
NODES = ("crate", "lamp", "ball", "screen")


def room_graph(y: float = 0.0, screen: float = -0.9, energy: float = 3.0, frame: int = FRAME) -> SceneGraph:
    """A graph of the room: the crate's y, the screen's x, the sun's energy, the frame of the timeline."""
    attributes = {"crate": {"y": y}, "screen": {"x": screen}}
    root = SceneNode("room", "room", "room", None, {"energy": energy, "frame": frame})
    things = (SceneNode(name, name, name, 0, attributes.get(name, {})) for name in NODES)
    return SceneGraph((root, *things))


def turn(axis: int, degrees: float) -> Floats:
    """Rotation (3, 3) about a coordinate axis."""
    angle, matrix = np.deg2rad(degrees), np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[j, i], matrix[i, j] = np.sin(angle), -np.sin(angle)
    return matrix


def room_camera(frame: int) -> Camera:
    """The camera, from the numbers it was keyed with."""
    height, width = SIZE
    focal, pose = LENS[frame] / SENSOR * width, np.eye(4)
    centre = (width / 2 - SHIFT_X[frame] * width, height / 2 + SHIFT_Y * width * ASPECT)
    pose[:3, :3] = turn(2, CAMERA_YAW[frame]) @ turn(0, CAMERA_PITCH[frame])
    pose[:3, 3] = [CAMERA_X[frame], -4.0, 1.9]
    return Camera(np.array([[focal, 0, centre[0]], [0, focal * ASPECT, centre[1]], [0, 0, 1.0]]), pose)


def crate_pose(frame: int, y: float = 0.0) -> Floats:
    """World matrix (4, 4) of the crate."""
    pose = np.eye(4)
    pose[:3, :3] = turn(2, CRATE_YAW[frame])
    pose[:3, 3] = [CRATE_X[frame], y, CRATE[2] / 2]
    return pose


class RoomScene:
    """The file, opened; nodes are objects by name.

    Args:
        path: The file.
        blur: Whether pictures have motion blur.
    """

    def __init__(self, path: Path, blur: bool = False) -> None:
        self._path, self._blur = path, blur

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        room = frozenset({"energy", "frame"})
        return {"room": room, "crate": frozenset({"y"}), "screen": frozenset({"x"})}

    def build(self) -> None:
        bpy: Any = importlib.import_module("bpy")
        bpy.ops.wm.open_mainfile(filepath=str(self._path), load_ui=False, use_scripts=False)
        bpy.context.scene.render.use_motion_blur = self._blur

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        bpy: Any = importlib.import_module("bpy")
        room = graph.by_name["room"].attributes
        bpy.context.scene.frame_set(int(room["frame"]))
        bpy.data.lights["sun"].energy = room["energy"]
        bpy.data.objects["crate"].location.y = graph.by_name["crate"].attributes["y"]
        bpy.data.objects["screen"].location.x = graph.by_name["screen"].attributes["x"]
        return {name: bpy.data.objects[name] for name in NODES}
