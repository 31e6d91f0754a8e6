"""PNG from players: exact whatever encoder wrote it, and refused if a byte of it is wrong."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from renderers.unity.pixels import depth_of
from renderers.unity.png import BadImage, Bytes, decode_png, encode_png

HEIGHT, WIDTH = SIZE = 9, 13
SIGNATURE = b"\x89PNG\r\n\x1a\n"
FILTERS = range(5)


def picture(seed: int, channels: int = 3) -> Bytes:
    """Noise above, a ramp below, so that every filter has something to do."""
    image = np.random.default_rng(seed).integers(0, 256, (*SIZE, channels), np.uint8)
    image[HEIGHT // 2 :] = np.arange(WIDTH, dtype=np.uint8)[:, None] * 3
    return image


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def written(image: Bytes, filters: list[int], level: int, parts: int) -> bytes:
    """A PNG by the book: a filter a row, a level of compression, so many chunks of data."""
    height, width, channels = image.shape
    rows = np.pad(image.astype(int), ((1, 0), (1, 0), (0, 0)))  # zeros above and to the left
    here, left, up, corner = rows[1:, 1:], rows[1:, :-1], rows[:-1, 1:], rows[:-1, :-1]
    guess = left + up - corner
    near = np.abs(guess - np.stack([left, up, corner]))
    paeth = np.choose(np.argmin(near, axis=0), [left, up, corner])
    predicted = [np.zeros_like(here), left, up, (left + up) // 2, paeth]
    lines = [
        bytes([kind]) + ((here[y] - predicted[kind][y]) % 256).astype(np.uint8).tobytes()
        for y, kind in enumerate(filters)
    ]
    data = zlib.compress(b"".join(lines), level)
    header = struct.pack(">2I5B", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    step = -(-len(data) // parts)
    idat = b"".join(chunk(b"IDAT", data[start : start + step]) for start in range(0, len(data), step))
    noted = chunk(b"tEXt", b"Software\0somebody's") + chunk(b"gAMA", struct.pack(">I", 45455))
    return SIGNATURE + chunk(b"IHDR", header) + noted + idat + chunk(b"IEND", b"")


rows = st.lists(st.sampled_from(FILTERS), min_size=HEIGHT, max_size=HEIGHT)


@given(st.integers(0, 99), rows, st.integers(0, 9), st.integers(1, 7))
def test_every_way_to_write_a_picture_reads_the_same(seed: int, filters: list[int], level: int, parts: int):
    image = picture(seed)
    np.testing.assert_array_equal(decode_png(written(image, filters, level, parts), SIZE), image)


@given(st.integers(0, 99), rows)
def test_alpha_is_dropped_where_it_may_be(seed: int, filters: list[int]) -> None:
    image = picture(seed, channels=4)
    data = written(image, filters, 6, 1)
    np.testing.assert_array_equal(decode_png(data, SIZE, alpha=True), image[..., :3])
    with pytest.raises(BadImage, match="of kind 6, 8 bits"):
        decode_png(data, SIZE)


def test_it_writes_what_others_read() -> None:
    image = picture(3)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)


@given(st.data())
def test_a_wrong_byte_or_a_missing_end_is_refused(data: st.DataObject) -> None:
    """A checksum finds every burst of up to 32 bits; behind a wrong length it is looked for elsewhere."""
    whole = encode_png(picture(1))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    wrong = bytearray(whole)
    wrong[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    for damaged in (cut, bytes(wrong)):
        with pytest.raises(BadImage):
            decode_png(damaged, SIZE)


def test_sound_chunks_around_too_few_pixels_are_refused() -> None:
    lines = zlib.compress(bytes(1 + 3 * WIDTH) * (HEIGHT - 1))
    header = struct.pack(">2I5B", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    for idat in (lines, b"", b"no zlib"):
        data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")
        with pytest.raises(BadImage, match="no PNG that can be decoded"):
            decode_png(data, SIZE)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16", "LA", "1"])
def test_other_kinds_are_refused(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (WIDTH, HEIGHT)).save(file, "PNG")
    with pytest.raises(BadImage, match="a PNG of kind"):
        decode_png(file.getvalue(), SIZE)


def test_other_sizes_and_other_files_are_refused() -> None:
    good = encode_png(picture(0))
    for size in ((WIDTH, HEIGHT), (HEIGHT, WIDTH + 1)):
        with pytest.raises(BadImage, match=r"size \(13, 9\)"):
            decode_png(good, size)
    for data in (b"", b"GIF89a" + good, SIGNATURE + chunk(b"IEND", b"")):
        with pytest.raises(BadImage, match="no PNG"):
            decode_png(data, SIZE)


def test_a_depth_of_nothing_is_refused() -> None:
    with pytest.raises(BadImage, match="depth of 0"):
        depth_of(np.zeros((2, 2), np.int32), 1.0)
