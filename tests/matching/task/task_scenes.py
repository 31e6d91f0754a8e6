"""Scenes of two classes told by colour and place, without any engine, for the tests of the task."""

from __future__ import annotations

import numpy as np

from metasim.matching.bank import Renders
from metasim.matching.task.labels import Labelled, Truth
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Choice, Column, SceneLayout

SIDE = 16
PLACE, YAW = AttributeSpec("place", "1", 0, 1, False, True), AttributeSpec("yaw", "deg", 0, 360, True, True)
LAYOUT = SceneLayout(
    (Column("box", "box", PLACE), Column("box", "box", YAW)), (Choice("box", ("red", "blue")),), ("box",)
)
PERIODIC = np.array([False, True])


def draw(
    rng: np.random.Generator, count: int, blue: float = 0.5, noise: float = 60.0, seen: float = 1.0
) -> Renders:
    """Boxes of a colour at a place along the image, in noise; only a share of them is to be seen."""
    units, classes = rng.random((count, 2)), (rng.random((count, 1)) < blue).astype(np.int64)
    images = rng.normal(100, noise, (count, SIDE, SIDE, 3))
    for image, (place, _), (kind,) in zip(images, units, classes, strict=True):
        left = int(place * (SIDE - 6))
        image[5:11, left : left + 6, 2 if kind else 0] += 120 * (rng.random() < seen)
    boxes = np.full((count, 1, 4), np.nan, dtype=np.float32)
    return Renders(images.clip(0, 255).astype(np.uint8), units, classes, boxes)


def labelled(renders: Renders) -> Labelled:
    return Labelled(renders.images, Truth(renders.units, renders.classes))
