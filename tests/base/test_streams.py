"""Streams: the address decides, nothing else does, and nothing global moves."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.streams import seeded_layers, stream, stream_seed, torch_stream

seeds = st.integers(0, 2**63)
stages = st.text("abc/", max_size=6)
indices = st.integers(0, 2**31)


@given(seeds, stages, indices)
def test_an_address_gives_one_stream(seed: int, stage: str, index: int) -> None:
    assert np.array_equal(stream(seed, stage, index).random(8), stream(seed, stage, index).random(8))
    first, second = (torch.rand(8, generator=torch_stream(seed, stage, index)) for _ in range(2))
    assert torch.equal(first, second)
    assert 0 <= stream_seed(seed, stage, index) < 2**31


@given(seeds, stages, indices)
def test_each_part_of_the_address_counts(seed: int, stage: str, index: int) -> None:
    here = stream(seed, stage, index).random(4)
    for other in ((seed + 1, stage, index), (seed, stage + "a", index), (seed, stage, index + 1)):
        assert not np.array_equal(here, stream(*other).random(4))


@given(seeds, stages)
def test_weights_come_from_their_address_alone(seed: int, stage: str) -> None:
    before = torch.get_rng_state()
    layers: list[torch.nn.Linear] = []
    for _ in range(2):
        with seeded_layers(seed, stage):
            layers.append(torch.nn.Linear(3, 2))
    assert torch.equal(layers[0].weight, layers[1].weight)
    assert torch.equal(torch.get_rng_state(), before)
