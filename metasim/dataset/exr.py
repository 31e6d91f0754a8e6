"""OpenEXR images as bytes: equal arrays give equal bytes, and reading gives the array back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import OpenEXR

from metasim.dataset.labels import Image

_CHANNELS = {1: "V", 3: "RGB", 4: "RGBA"}
"""Names of the channels by their number, as Blender writes them."""


def exr(image: Image) -> bytes:
    """An image (H, W) or (H, W, 3 or 4) as 32-bit floats, compressed without loss."""
    name = _CHANNELS[image.shape[2] if image.ndim == 3 else 1]
    pixels = np.ascontiguousarray(image, dtype=np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with tempfile.TemporaryDirectory() as folder:  # the library writes to paths alone
        path = Path(folder) / "image.exr"
        OpenEXR.File(header, {name: pixels}).write(str(path))
        return path.read_bytes()


def from_exr(path: Path) -> Image:
    """The float32 array in an EXR file, (H, W) or (H, W, 3 or 4).

    Raises:
        ValueError: If it is not a file that ``exr`` makes.
    """
    try:
        with OpenEXR.File(str(path)) as file:
            (channel,) = file.channels().values()
            return np.array(channel.pixels)
    except (RuntimeError, ValueError) as error:
        raise ValueError("not a whole EXR image") from error
