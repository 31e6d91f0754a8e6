"""Montages: many images as one."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from metasim.report.figures import jpeg_uri

TILE = 96


def montage(images: Sequence[npt.NDArray[np.uint8]], columns: int) -> str:
    """Images (H, W, 3) in rows of ``columns``, each fitted into a square tile, as a data URI."""
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * TILE, rows * TILE), "white")
    for index, image in enumerate(images):
        tile = _fitted(image)
        row, column = divmod(index, columns)
        inset = ((TILE - tile.width) // 2, (TILE - tile.height) // 2)
        sheet.paste(tile, (column * TILE + inset[0], row * TILE + inset[1]))
    buffer = io.BytesIO()
    sheet.save(buffer, format="JPEG", quality=90, subsampling=0)
    return jpeg_uri(buffer.getvalue())


def _fitted(image: npt.NDArray[np.uint8]) -> Image.Image:
    """The image with two pixels of margin, in the proportions it has."""
    height, width = image.shape[:2]
    scale = (TILE - 2) / max(height, width)
    method = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return Image.fromarray(image).resize(size, method)
