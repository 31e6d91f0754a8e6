"""Montages: many images as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

TILE = 96
"""Width of a tile in pixels; its height follows from the first image."""

_MARGIN = 2


def montage(images: Sequence[npt.NDArray[np.uint8]], columns: int) -> Image.Image:
    """Images (H, W, 3), at least one, in rows of ``columns`` tiles."""
    rows = -(-len(images) // columns)
    height, width = images[0].shape[:2]
    tile = (TILE, round((TILE - _MARGIN) * height / width) + _MARGIN)
    sheet = Image.new("RGB", (columns * tile[0], rows * tile[1]), "white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        sheet.paste(_fitted(image, tile), (column * tile[0], row * tile[1]))
    return sheet


def _fitted(image: npt.NDArray[np.uint8], tile: tuple[int, int]) -> Image.Image:
    """The image as large as the tile allows beside its margin, in its own proportions."""
    height, width = image.shape[:2]
    scale = min((tile[0] - _MARGIN) / width, (tile[1] - _MARGIN) / height)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
