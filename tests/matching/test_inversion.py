"""Laws of the inverse network's training: what a map of rivals' places costs."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.streams import torch_stream
from metasim.matching.inversion import BLUR, place_loss
from metasim.model.trunk import coordinates

SIZE = (10, 14)


def drawn(objects: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps and centres of two images."""
    generator = torch_stream(seed, "test/places")
    maps = torch.randn(2, objects, *SIZE, generator=generator)
    return maps, torch.rand(2, objects, 2, generator=generator)


@given(st.integers(1, 4), st.integers(0, 9))
def test_a_map_that_says_nothing_costs_the_log_of_its_cells_an_object(objects: int, seed: int) -> None:
    maps, centres = drawn(objects, seed)
    loss = place_loss(torch.zeros_like(maps), centres)
    torch.testing.assert_close(loss, torch.tensor(objects * math.log(SIZE[0] * SIZE[1])))


@given(st.integers(1, 4), st.integers(0, 9))
def test_the_cheapest_map_is_a_blurred_cell_about_the_centre(objects: int, seed: int) -> None:
    maps, centres = drawn(objects, seed)
    x, y = coordinates(SIZE, torch.device("cpu"))
    away = [(x - centres[..., 0, None, None]) * SIZE[1], (y - centres[..., 1, None, None]) * SIZE[0]]
    best = (-(away[0] ** 2 + away[1] ** 2) / (2 * BLUR**2)).requires_grad_()
    least = place_loss(best, centres)
    (slope,) = torch.autograd.grad(least, best)
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-6, rtol=0)
    assert least < place_loss(maps, centres)


def test_objects_that_are_not_seen_cost_nothing() -> None:
    maps, centres = drawn(3, 0)
    centres[:, 1] = torch.nan
    changed = maps.clone()
    changed[:, 1] = 5.0 * maps[:, 0]
    torch.testing.assert_close(place_loss(changed, centres), place_loss(maps, centres))
