"""Random streams: every one derived from (root seed, stage, index), none of them global.

A scene's stream depends on nothing but its address, so results do not depend on worker count,
on the order of work, or on how often a run was interrupted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def _sequence(seed: int, stage: str, index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(zlib.crc32(stage.encode()), index))


def stream(seed: int, stage: str, index: int = 0) -> np.random.Generator:
    """The numpy generator at an address.

    Args:
        seed: Root seed of the run.
        stage: What the numbers are for, for example ``"bank/2"``.
        index: Which scene, step or draw of the stage.
    """
    return np.random.default_rng(_sequence(seed, stage, index))


def stream_seed(seed: int, stage: str, index: int = 0) -> int:
    """A 31-bit integer at an address, for engines that take an integer seed."""
    return int(_sequence(seed, stage, index).generate_state(1, np.uint32)[0] >> 1)


def torch_stream(seed: int, stage: str, index: int = 0) -> torch.Generator:
    """The torch CPU generator at an address."""
    import torch

    return torch.Generator().manual_seed(stream_seed(seed, stage, index))


@contextmanager
def seeded_layers(seed: int, stage: str) -> Iterator[None]:
    """Layers draw from an address inside: new ones their weights, dropout its masks.

    Torch's global generator stays as it was.

    It is the one generator that layers know, hence the one place where it is seeded.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, stage))
        yield
