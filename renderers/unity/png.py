"""PNG as players send it: 8 bits a channel; see PROTOCOL.md, section 3."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyspng
from PIL import Image

Bytes = npt.NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NUMBER = struct.Struct(">I")
_CHUNK = struct.Struct(">I4s")
_HEADER = struct.Struct(">2I2B3x")
_BITS = 8
_COLOURS, _WITH_ALPHA = 2, 6  # PNG's numbers for the two kinds


class BadImage(ValueError):
    """Bytes that are not the PNG that the protocol asks for."""


def decode_png(data: bytes, size: tuple[int, int], alpha: bool = False) -> Bytes:
    """Colours (H, W, 3) of a PNG.

    Args:
        data: The PNG.
        size: Its height and width.
        alpha: Whether it may have alpha, which is dropped.

    Raises:
        BadImage: If it is none, damaged, or of another size or kind.
    """
    try:
        header = dict(_chunks(data))[b"IHDR"]
        width, height, bits, kind = _HEADER.unpack(header)
    except (struct.error, KeyError) as error:
        raise BadImage("no PNG that can be decoded: cut off, or without a header") from error
    kinds = (_COLOURS, _WITH_ALPHA) if alpha else (_COLOURS,)
    if (height, width) != size or bits != _BITS or kind not in kinds:
        found = f"a PNG of kind {kind}, {bits} bits a channel and size {(width, height)}"
        raise BadImage(f"{found}, not of kind {kinds[-1]}, {_BITS} bits and size {size[::-1]}")
    try:
        return pyspng.load(data, "RGB")
    except RuntimeError as error:
        raise BadImage(f"no PNG that can be decoded: {error}") from error


def encode_png(colours: Bytes) -> bytes:
    """A PNG of colours (H, W, 3)."""
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "PNG")
    return file.getvalue()


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Chunks by name, the checksums of which are right: the decoder does not look at them.

    Raises:
        BadImage: If one is wrong.
        struct.error: If the last chunk is not there.
    """
    if not data.startswith(_SIGNATURE):
        raise BadImage("no PNG that can be decoded: it begins like none")
    view, start, name = memoryview(data), len(_SIGNATURE), b""
    while name != b"IEND":
        length, name = _CHUNK.unpack_from(data, start)
        content = start + _CHUNK.size
        end = content + length
        if _NUMBER.unpack_from(data, end) != (zlib.crc32(view[start + _NUMBER.size : end]),):
            raise BadImage(f"no PNG that can be decoded: chunk {name!r} is damaged")
        yield name, view[content:end]
        start = end + _NUMBER.size
