"""Galleries: the kept images of a run, side by side and over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.report.montage import montage
from metasim.runs.folder import RunFolder
from metasim.runs.samples import load_images

_SHOWN = {"prior": "prior", "most_recent": "generated", "target": "target"}
_COLUMNS, _ROWS, _EPOCHS = 4, 4, 5


@dataclass(frozen=True)
class Gallery:
    """A montage with its caption.

    Attributes:
        caption: What it shows.
        uri: The image.
    """

    caption: str
    uri: str


def galleries(folder: RunFolder) -> list[Gallery]:
    """Images of the prior, of the generator and of the target, as far as there are any."""
    found = {name: load_images(folder.images / name, _COLUMNS * _ROWS) for name in _SHOWN}
    return [Gallery(_SHOWN[name], montage(images, _COLUMNS)) for name, images in found.items() if images]


def over_time(folder: RunFolder) -> Gallery | None:
    """A row of images for the prior, for some epochs and for the target; ``None`` without epochs."""
    epochs = sorted(path.name for path in folder.images.glob("epoch_*"))
    if not epochs:
        return None
    picked = np.unique(np.linspace(0, len(epochs) - 1, _EPOCHS).round().astype(int))
    names = ["prior", *(epochs[i] for i in picked), "target"]
    rows = {name: load_images(folder.images / name, 2 * _COLUMNS) for name in names}
    rows = {name: _filled(images) for name, images in rows.items() if images}
    images = [image for row in rows.values() for image in row]
    caption = "rows from the top: " + ", ".join(name.replace("_", " ") for name in rows)
    return Gallery(caption, montage(images, 2 * _COLUMNS))


def _filled(images: list[npt.NDArray[np.uint8]]) -> list[npt.NDArray[np.uint8]]:
    blank = np.full((8, 8, 3), 255, np.uint8)
    return images + [blank] * (2 * _COLUMNS - len(images))
