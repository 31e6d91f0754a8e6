"""Arrays as bytes: equal arrays give equal bytes, and reading gives the array back."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from PIL import Image as Pillow

from metasim.base.errors import MetasimError
from metasim.dataset.labels import Image


def png(image: Image) -> bytes:
    """A colour image (H, W, 3) uint8, or a mask (H, W): bool as 0 and 255, ids in the least of 8 and 16 bits.

    Raises:
        MetasimError: If an id does not fit 16 bits.
    """
    return _save(_narrow(image))


def png16(image: Image) -> bytes:
    """Numbers (H, W) in 16 bits, however small they are."""
    return _save(image.astype(np.uint16, casting="same_kind"))


def _save(image: Image) -> bytes:
    with io.BytesIO() as buffer:
        Pillow.fromarray(image).save(buffer, "PNG")
        return buffer.getvalue()


def _narrow(image: Image) -> Image:
    if image.dtype == np.bool_:
        return image.astype(np.uint8) * np.uint8(255)
    if image.dtype == np.uint8:
        return image
    low, high = int(image.min()), int(image.max())
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise MetasimError(f"ids {low}..{high} in a mask; a PNG holds 0..65535")
    return image.astype(np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16)


def from_png(data: bytes) -> Image:
    """The array in a PNG, uint8 or uint16."""
    with Pillow.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def npz(array: Image) -> bytes:
    """An array under the key ``data``; numpy stamps the archive's members with a fixed date."""
    with io.BytesIO() as buffer:
        np.savez_compressed(buffer, data=array)
        return buffer.getvalue()


def from_npz(data: bytes) -> Image:
    """The array under the key ``data``."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return archive["data"]


def compact_json(value: Any) -> bytes:
    """JSON in one line; NaN is refused since JSON has none."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
