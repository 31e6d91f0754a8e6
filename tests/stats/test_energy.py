from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.streams import torch_stream
from metasim.stats.energy import energy_distance, energy_distance_1d, projected_energy_distance


def normal(n: int, d: int, index: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch_stream(0, "energy", index), dtype=torch.float64)


def by_pairs(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The definition, O(n m), of one column each."""

    def within(z: torch.Tensor) -> torch.Tensor:
        return (z[:, None] - z[None, :]).abs().sum() / (len(z) * (len(z) - 1))

    return 2.0 * (x[:, None] - y[None, :]).abs().mean() - within(x) - within(y)


numbers = st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3)), min_size=2, max_size=12)


@given(numbers, numbers)
def test_sorted_form_equals_the_definition_with_ties(x: list[float], y: list[float]) -> None:
    a, b = torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
    torch.testing.assert_close(
        energy_distance_1d(a[:, None], b[:, None])[0], by_pairs(a, b), atol=1e-9, rtol=1e-9
    )


def test_columns_are_independent_and_have_the_gradient_of_the_definition() -> None:
    x, y = normal(13, 4).requires_grad_(), normal(9, 4, 1).requires_grad_()
    sorted_form = energy_distance_1d(x, y)
    definition = torch.stack([by_pairs(x[:, k], y[:, k]) for k in range(4)])
    torch.testing.assert_close(sorted_form, definition)
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    found = torch.autograd.grad((sorted_form * weights).sum(), (x, y))
    torch.testing.assert_close(found, torch.autograd.grad((definition * weights).sum(), (x, y)))
    assert torch.autograd.gradcheck(energy_distance_1d, (x, y))


def test_single_precision_far_from_the_origin() -> None:
    x, y = (normal(500, 20) + 1e5).float(), (normal(500, 20, 1) + 1e5).float()
    exact = energy_distance_1d(x.double(), y.double())
    # Rounding grows with the spread of the values, here about 1, not with their distance from zero.
    torch.testing.assert_close(energy_distance_1d(x, y).double(), exact, atol=1e-6, rtol=0.0)


def test_one_dimensional_forms_agree() -> None:
    x, y = normal(30, 1), normal(25, 1, 1)
    torch.testing.assert_close(energy_distance(x, y), energy_distance_1d(x, y)[0])


@pytest.mark.parametrize("form", [energy_distance, lambda x, y: energy_distance_1d(x, y)[0]])
def test_unbiased(form: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    """For normals E|x - y| is known: |N(0, v)| has mean sqrt(2 v / pi)."""
    expected = sum(w * math.sqrt(2.0 * v / math.pi) for w, v in ((2.0, 1.0 + 9.0), (-1.0, 2.0), (-1.0, 18.0)))
    draws = torch.stack([form(normal(12, 1, 2 * i), 3.0 * normal(8, 1, 2 * i + 1)) for i in range(600)])
    error = draws.std() / math.sqrt(len(draws))
    assert abs(draws.mean() - expected) < 3.0 * error
    assert error < 0.1 * expected


def test_projection_is_the_distance_along_each_direction() -> None:
    x, y, directions = normal(20, 3), normal(15, 3, 1) + 1.0, normal(3, 6, 2)
    found = projected_energy_distance(x, y, directions)
    expected = [energy_distance(x @ directions[:, [k]], y @ directions[:, [k]]) for k in range(6)]
    torch.testing.assert_close(found, torch.stack(expected))


def test_mean_over_directions_is_a_fixed_share_of_the_energy_distance() -> None:
    # For a unit direction u in the plane, E|u . v| = (2 / pi) |v|; 720 even angles integrate it to 1e-5.
    x, y = normal(20, 2), normal(15, 2, 1) + 0.5
    angles = torch.arange(720, dtype=torch.float64) * math.pi / 720
    sliced = projected_energy_distance(x, y, torch.stack([angles.cos(), angles.sin()])).mean()
    torch.testing.assert_close(sliced, 2.0 / math.pi * energy_distance(x, y), rtol=1e-4, atol=1e-5)
