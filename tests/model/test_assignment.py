"""Assignment: least cost, whatever the order of the objects; the hidden ones are not asked for."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasim.model.assignment import NEAR, assign

SPACING = 0.25


def scene(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    presence = torch.randn(1, 6, generator=generator)
    return presence, torch.rand(1, 6, 2, generator=generator), torch.rand(1, 3, 2, generator=generator)


def paired(presence: torch.Tensor, places: torch.Tensor, centres: torch.Tensor) -> dict[int, int]:
    _, queries, objects = assign(presence, places, centres, SPACING)
    return dict(zip(objects.tolist(), queries.tolist(), strict=True))


@given(st.integers(0, 10**6), st.permutations(range(3)))
def test_objects_in_another_order_keep_their_queries(seed: int, order: list[int]) -> None:
    presence, places, centres = scene(seed)
    before, after = paired(presence, places, centres), paired(presence, places, centres[:, order])
    assert {order[thing]: query for thing, query in after.items()} == before


@given(st.integers(0, 10**6))
def test_no_other_pairing_costs_less(seed: int) -> None:
    presence, places, centres = scene(seed)
    apart = (places[0, :, None] - centres[0][None]) / SPACING
    cost = (-presence[0].sigmoid().log()[:, None] + NEAR * (apart**2).sum(-1)).numpy()
    least = min(sum(cost[q, i] for i, q in enumerate(qs)) for qs in permutations(range(6), 3))
    found = paired(presence, places, centres)
    np.testing.assert_allclose(sum(cost[q, i] for i, q in found.items()), least, rtol=1e-5)


def test_hidden_objects_are_not_asked_for() -> None:
    presence, places, centres = scene(0)
    centres[0, 1] = torch.nan
    assert set(paired(presence, places, centres)) == {0, 2}
