from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.streams import torch_stream
from metasim.stats.kernels import (
    BlockSum,
    Energy,
    GaussianMixture,
    Kernel,
    median_distance,
    squared_distances,
)

KERNELS = [GaussianMixture((0.5, 1.0, 2.0)), Energy()]


def normal(n: int, d: int, index: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch_stream(0, "kernels", index), dtype=torch.float64)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_kernels_are_symmetric_shift_invariant_and_conditionally_positive(kernel: Kernel) -> None:
    x, y = normal(30, 4), normal(20, 4, 1)
    torch.testing.assert_close(kernel(x, y), kernel(y, x).T)
    torch.testing.assert_close(kernel(x + 7.0, y + 7.0), kernel(x, y))
    centring = torch.eye(30, dtype=torch.float64) - 1.0 / 30
    assert torch.linalg.eigvalsh(centring @ kernel(x, x) @ centring).min() > -1e-9


def test_a_gaussian_mixture_is_one_at_zero_and_falls() -> None:
    steps = torch.linspace(0.0, 9.0, 50, dtype=torch.float64)[:, None]
    values = GaussianMixture((0.5, 1.0, 2.0))(steps, torch.zeros(1, 1, dtype=torch.float64)).flatten()
    assert values[0] == 1.0
    assert bool((values.diff() < 0).all())


def test_gaussian_mixture_is_the_mean_of_its_parts() -> None:
    x, y = normal(5, 3), normal(6, 3, 1)
    expected = (torch.exp(-(torch.cdist(x, y) ** 2) / 2.0) + torch.exp(-(torch.cdist(x, y) ** 2) / 8.0)) / 2.0
    torch.testing.assert_close(GaussianMixture((1.0, 2.0))(x, y), expected)


def test_distances_far_from_the_origin_keep_single_precision() -> None:
    x, y = normal(40, 3), normal(40, 3, 1)
    far = squared_distances((x + 100.0).float(), (y + 100.0).float())
    torch.testing.assert_close(far.double(), torch.cdist(x, y) ** 2, atol=1e-3, rtol=1e-3)


@given(st.floats(1e-3, 1e3))
def test_median_bandwidths_follow_the_scale(scale: float) -> None:
    x, y = normal(20, 3), normal(20, 3, 1)
    scaled = GaussianMixture.around_median(x * scale)(x * scale, y * scale)
    torch.testing.assert_close(scaled, GaussianMixture.around_median(x)(x, y), atol=1e-6, rtol=1e-5)


def test_median_distance_of_a_normal_sample() -> None:
    # |x - x'|^2 / 2 is chi-square with 2 degrees of freedom: its median is 2 ln 2.
    # The median of n points has a standard error near 1 / sqrt(n) of the distance.
    expected = math.sqrt(2.0 * 2.0 * math.log(2.0))
    assert median_distance(normal(3000, 2)) == pytest.approx(expected, abs=4.0 / math.sqrt(1000))


def test_median_distance_of_coinciding_points() -> None:
    assert median_distance(torch.zeros(10, 2)) == 1.0
    assert median_distance(torch.tensor([[0.0], [0.0], [0.0], [0.0], [3.0]])) == 3.0


def test_block_sum_adds_the_blocks() -> None:
    x, y = normal(8, 5), normal(9, 5, 1)
    kernel = BlockSum.around_median([x[:, :2], x[:, 2:]])
    first, second = kernel.kernels
    torch.testing.assert_close(kernel(x, y), first(x[:, :2], y[:, :2]) + second(x[:, 2:], y[:, 2:]))
    assert first == GaussianMixture.around_median(x[:, :2])
