"""Options: what several engines are told alike in an experiment, checked."""

from __future__ import annotations

from collections.abc import Sequence

from metasim.base.errors import InputError

LONGEST_TIMEOUT = 1e6  # seconds of silence, more than any frame takes and less than clocks can count


def image_size(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width in pixels, told as one number for a square or as both.

    Raises:
        InputError: If they are not whole numbers above 0.
    """
    height, width = (size, size) if isinstance(size, int) else tuple(size) if len(size) == 2 else (0, 0)
    if not (isinstance(height, int) and isinstance(width, int) and min(height, width) >= 1):
        raise InputError("renderer.size", repr(size), "pixels, one number or [height, width]")
    return height, width
