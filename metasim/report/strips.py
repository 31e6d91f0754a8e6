"""Strips: the kept images of a run: sets side by side, moments below each other, the target beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from metasim.report.frames import FINAL, frames
from metasim.report.montage import montage
from metasim.report.run_data import RunData
from metasim.runs.samples import load_images

_SETS = {"prior": "prior", FINAL: "generated", "target": "target"}
_COLUMNS, _ROWS, _MOMENTS = 4, 4, 6


@dataclass(frozen=True)
class Strip:
    """Images of one origin.

    Attributes:
        caption: What it shows.
        picture: The images as one.
    """

    caption: str
    picture: Image.Image


def image_sets(run: RunData) -> list[Strip]:
    """Images of the prior, of the generator and of the target, as far as there are any."""
    found = {name: load_images(run.folder.images / name, _COLUMNS * _ROWS) for name in _SETS}
    return [Strip(_SETS[name], montage(images, _COLUMNS)) for name, images in found.items() if images]


def moments(run: RunData) -> dict[int, Strip]:
    """Images of each moment of the training that kept some, under its place among ``frames``."""
    found = {}
    for number, frame in enumerate(frames(run)):
        images = load_images(run.folder.images / frame.name, _COLUMNS * _ROWS)
        if images:
            found[number] = Strip(frame.label, montage(_filled(images, _COLUMNS * _ROWS), _COLUMNS))
    return found


def over_time(run: RunData) -> Strip | None:
    """A row of images for some moments of the training, the target's last; ``None`` without moments."""
    known = [(f.label, load_images(run.folder.images / f.name, 2 * _COLUMNS)) for f in frames(run)]
    known = [(label, images) for label, images in known if images]
    if not known:
        return None
    picked = np.unique(np.linspace(0, len(known) - 1, _MOMENTS).round().astype(int))
    rows = [known[index] for index in picked]
    target = load_images(run.folder.images / "target", 2 * _COLUMNS)
    rows += [("target", target)] if target else []
    images = [image for _, row in rows for image in _filled(row, 2 * _COLUMNS)]
    return Strip("rows from the top: " + "; ".join(label for label, _ in rows), montage(images, 2 * _COLUMNS))


def _filled(images: list[npt.NDArray[np.uint8]], number: int) -> list[npt.NDArray[np.uint8]]:
    blank = np.full((8, 8, 3), 255, np.uint8)
    return images + [blank] * (number - len(images))
