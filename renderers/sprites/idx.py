"""Reading the idx files that MNIST and its relatives are published in."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError

Bytes = npt.NDArray[np.uint8]

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path, dimensions: int) -> Bytes:
    """Reads an idx file of unsigned bytes, compressed with gzip or not.

    The format is LeCun, Cortes and Burges' (the MNIST database): two zero bytes, a type byte, the number
    of dimensions, each size as a big-endian 32-bit integer, then the values.

    Args:
        path: The file.
        dimensions: How many dimensions it must have: 3 for images, 1 for labels.

    Raises:
        InputError: If the file cannot be read or is not such an array of just this length.
    """
    data = _content(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UNSIGNED_BYTE or data[3] != dimensions:
        expected = f"the magic 0000{_UNSIGNED_BYTE:02x}{dimensions:02x}"
        raise InputError(str(path), f"magic {data[:4].hex() or 'missing'}", expected)
    start = 4 + 4 * dimensions
    shape = tuple(int(size) for size in np.frombuffer(data[4 : min(start, len(data) // 4 * 4)], ">u4"))
    if len(shape) != dimensions or len(data) - start != math.prod(shape):
        got = f"{max(len(data) - start, 0)} bytes of values"
        raise InputError(str(path), got, f"{' x '.join(map(str, shape))} as its header says")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(str(path), str(error), "a readable idx file") from error
