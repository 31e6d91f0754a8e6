"""Previews: a sheet of the first samples of a split, a row a sample and a column a label."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Self

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from metasim.dataset.colouring import Colours, coloured, tonemap, with_boxes, with_solids
from metasim.dataset.encode import png
from metasim.dataset.modality import Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample

FOLDER = "previews/"
ROWS = 6
_SIDE = 192  # most pixels of a tile's side
_HEAD = 14
_GAP = 2


class Sheet:
    """The preview of a part: of its first samples if it is the first one of its split, else empty.

    Args:
        part: The part.
    """

    def __init__(self, part: Part) -> None:
        self._wanted = ROWS if part.number == 0 else 0
        self._every, self._seen = 1, 0
        self._rows: list[dict[str, Colours]] = []
        self.path = f"{FOLDER}sheet_{part.split}.png"

    @classmethod
    def spread(cls, part: Part, name: str) -> Self:
        """The preview of any part, under a name of its own: of samples from its beginning to its end."""
        sheet = cls(part)
        sheet._wanted, sheet._every = ROWS, -(-len(part.indices) // ROWS)
        sheet.path = f"{FOLDER}{part.split}/{name}.png"
        return sheet

    def add(self, sample: Sample) -> None:
        """Adds a row where it is the turn of one, until there are enough."""
        if self._seen % self._every == 0 and len(self._rows) < self._wanted:
            self._rows.append({name: _tile(image) for name, image in panels(sample)})
        self._seen += 1

    def png(self) -> bytes | None:
        """The sheet; ``None`` if there is nothing to show."""
        rows = [row for row in self._rows if row]
        if not rows:
            return None
        names = list(dict.fromkeys(name for row in rows for name in row))
        height, width = np.max([tile.shape[:2] for row in rows for tile in row.values()], axis=0)
        font = ImageFont.load_default()
        widest = max(int(width), *(ceil(font.getlength(name)) for name in names))
        down, across = int(height) + _GAP, widest + _GAP
        sheet = Pillow.new("RGB", (len(names) * across, _HEAD + len(rows) * down), "white")
        draw = ImageDraw.Draw(sheet)
        for column, name in enumerate(names):
            draw.text((column * across, 1), name, fill="black", font=font)
            for number, row in enumerate(rows):
                if name in row:
                    sheet.paste(Pillow.fromarray(row[name]), (column * across, _HEAD + number * down))
        return png(np.asarray(sheet))


def panels(sample: Sample) -> Iterator[tuple[str, Colours]]:
    """What of a sample can be looked at, by name: its images, and its boxes drawn over the colours."""
    for modality, image in sample.images.items():
        if modality is not Modality.AMODAL:
            yield modality.value, coloured(modality, image)
    ground = _ground(sample)
    if ground is None:
        return
    for name, boxes in ((Modality.BBOX, sample.boxes), (Modality.BBOX_FULL, sample.full_boxes)):
        if boxes is not None:
            yield name.value, with_boxes(ground, boxes)
    if sample.solids is not None and sample.camera is not None:
        yield Modality.BBOX3D.value, with_solids(ground, sample.solids, sample.camera)


def _ground(sample: Sample) -> Colours | None:
    """Colours to draw on: the best that there is."""
    if Modality.RGB in sample.images:
        return coloured(Modality.RGB, sample.images[Modality.RGB])
    if Modality.HDR in sample.images:
        return tonemap(sample.images[Modality.HDR])
    image = next((i for m, i in sample.images.items() if m is not Modality.AMODAL), None)
    return None if image is None else np.zeros((*image.shape[:2], 3), np.uint8)


def _tile(image: Colours) -> Colours:
    """An image that fits a tile: every n-th pixel of it."""
    step = -(-max(image.shape[:2]) // _SIDE)
    return image[::step, ::step]
