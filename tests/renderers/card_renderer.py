"""A card before a wall, seen by a camera, in numpy alone: an engine that is up at once, for other tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode

PASSES = frozenset({Pass.RGB, Pass.DEPTH, Pass.INSTANCE, Pass.NORMAL})
SIZE = (12, 16)
CAMERA = Camera(
    np.array([[20.0, 0.0, 8.0], [0.0, 20.0, 6.0], [0.0, 0.0, 1.0]]),
    np.array([[1.0, 0.0, 0.0, 0.3], [0.0, 0.0, -1.0, -2.0], [0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]]),
)


def card_scene(x: float, cls: str = "card", yaw: float = 0.0) -> SceneGraph:
    """A card with its left edge in some column."""
    root = SceneNode("scene", "scene", "scene", None, {})
    return SceneGraph((root, SceneNode("card", "card", cls, 0, {"x": x, "yaw": yaw})))


class CardRenderer:
    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self._size = (size[0], size[1])

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(PASSES, self._size)

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        return [self._frame(scene, passes, seed + i) for i, scene in enumerate(scenes)]

    def close(self) -> None:
        """Nothing to free."""

    def _frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        node = scene.by_name["card"]
        if node.cls == "joker":
            raise InputError("scene graph: node card", "class joker", "card")
        left = int(node.attributes["x"])
        card = np.zeros(self._size, bool)
        card[2:8, left : left + 5] = True
        normals = np.full((*self._size, 3), np.nan, np.float32)
        angle = np.deg2rad(node.attributes["yaw"])
        normals[card] = (np.sin(angle), -np.cos(angle), 0.0)
        images = {
            Pass.RGB: np.where(card[..., None], np.array([200, seed % 256, left], np.uint8), np.uint8(30)),
            Pass.INSTANCE: card.astype(np.int32) * 2,
            Pass.DEPTH: np.where(card, np.float32(1.5 + left / 7), np.float32(np.inf)),
            Pass.NORMAL: normals,
        }
        return Frame({name: images[name] for name in passes}, CAMERA)
