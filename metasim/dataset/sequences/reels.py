"""Cuts scenes into sequences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from metasim.base.errors import InputError, MetasimError
from metasim.dataset.record import FileRecord
from metasim.dataset.sequences.source import Reel
from metasim.dataset.sequences.timeline import divide, longest
from metasim.dataset.sequences.ways import MADE, find_way
from metasim.rendering.footage import Footage
from metasim.rendering.trajectory import Trajectory

FRAMES = 100
"""Frames of a sequence along a trajectory that is made, which has no length of its own."""


@dataclass(frozen=True)
class Cut:
    """How scenes are cut.

    Attributes:
        sequences: Sequences a scene.
        num_frames: Frames a sequence; ``None`` for as many as fit in every scene.
        multiplier: Frames for each frame of a file.
        trajectory: How the camera goes, see ``ways.find_way``.
        one_lens: Whether the dataset has no place for a lens that changes within a sequence.
        seed: Root seed of trajectories.
    """

    sequences: int
    num_frames: int | None
    multiplier: float
    trajectory: str
    one_lens: bool
    seed: int


def make_reels(
    scenes: Mapping[str, Path], shown: Mapping[str, Footage], cut: Cut
) -> tuple[tuple[Reel, ...], dict[str, str]]:
    """Cuts scenes into sequences of one length.

    Args:
        scenes: Their files, by name.
        shown: What they show; scenes that are not there are left out.
        cut: How.

    Returns:
        The scenes, and why some cannot be cut, by name.

    Raises:
        InputError: If sequences of the length asked for do not fit in a scene.
    """
    ways: dict[str, Trajectory | None] = {}
    excluded: dict[str, str] = {}
    for name, footage in shown.items():
        try:
            ways[name] = _way(name, footage, cut)
        except MetasimError as error:
            excluded[name] = str(error)
    spans = {name: _span(shown[name], way) for name, way in ways.items()}
    fitting = min((longest(*s, cut.multiplier, cut.sequences) for s in spans.values()), default=1)
    num_frames = cut.num_frames or (FRAMES if needs_surfaces(cut.trajectory) else max(1, fitting))
    reels = tuple(
        Reel(
            name=name,
            file=scenes[name],
            sha256=FileRecord.of(scenes[name]).sha256,
            footage=shown[name],
            sequences=divide(*spans[name], cut.multiplier, cut.sequences, num_frames, name),
            way=way,
        )
        for name, way in ways.items()
    )
    return reels, excluded


def _way(name: str, footage: Footage, cut: Cut) -> Trajectory | None:
    frames = cut.sequences * (1 + (cut.num_frames or FRAMES))  # one more, since intervals are rounded
    way = find_way(cut.trajectory, name, footage, 1 + math.ceil(frames / cut.multiplier), cut.seed)
    if way is None and footage.zooms and cut.one_lens:
        raise InputError(f"scene {name}", "a lens that changes", "one lens, as the format has it")
    return way


def _span(footage: Footage, way: Trajectory | None) -> tuple[int, int]:
    """First and last frame of the file that can be shown."""
    if way is None:
        return footage.first, footage.last
    return int(way.frames[0]), int(way.frames[-1])


def needs_surfaces(trajectory: str) -> bool:
    """Whether a trajectory is made from the surfaces of the scene."""
    return trajectory in MADE
