"""Which frames of a scene's timeline make a sequence.

The rule is VisionSIM's: the frames of the file times the keyframe multiplier, sequences that begin at even
distances. Intervals are half-open here, so that no two sequences share a frame.
"""

from __future__ import annotations

import math

import numpy as np

from metasim.base.errors import InputError


def divide(
    first: int, last: int, multiplier: float, sequences: int, num_frames: int, where: str
) -> tuple[range, ...]:
    """The frames of each sequence.

    Args:
        first: First frame of the file.
        last: Last frame of it, which is shown too.
        multiplier: Frames for each frame of the file.
        sequences: How many sequences.
        num_frames: Frames of each.
        where: Name of the scene, for messages.

    Raises:
        InputError: If that many frames would overlap or run beyond the last.
    """
    if num_frames > (most := longest(first, last, multiplier, sequences)):
        fitting = f"at most {most} for {sequences} sequences of frames {first} to {last}"
        raise InputError(f"--num-frames: scene {where}", str(num_frames), fitting)
    starts = _starts(first, last, multiplier, sequences)[:-1]
    return tuple(range(start, start + num_frames) for start in starts)


def longest(first: int, last: int, multiplier: float, sequences: int) -> int:
    """How many frames each sequence can have; arguments as those of ``divide``."""
    return int(np.diff(_starts(first, last, multiplier, sequences)).min())


def sequence_id(frames: range, multiplier: float) -> str:
    """``002-00151-00251``: the multiplier, the first frame and the one after the last."""
    return f"{multiplier:03g}-{frames.start:05d}-{frames.stop:05d}"


def _starts(first: int, last: int, multiplier: float, sequences: int) -> list[int]:
    """Where each sequence begins, and where the one after the last would."""
    even = np.linspace(first * multiplier, last * multiplier, sequences, endpoint=False)
    begin = math.ceil(first * multiplier)
    starts = [max(begin, math.floor(start)) for start in even]
    return [*starts, math.floor(last * multiplier) + 1]
