"""Quantile maps: the law of a population comes out, order and ties to other attributes stay."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from metasim.model.margins import KNOTS, LEAST, Margins
from metasim.stats.wasserstein import circular_wasserstein, wasserstein

COUNT = 8000
LINE, CIRCLE = 0, 1


def margins() -> Margins:
    return Margins(1, 2, torch.tensor([[False, True]]))


def through(net: Margins, attribute: int, values: Tensor, cls: int = 0) -> Tensor:
    kinds = torch.full((len(values),), cls)
    return net(values, torch.zeros_like(kinds), kinds, torch.full_like(kinds, attribute))


def of_class(values: Tensor, cls: int = 0) -> tuple[Tensor, Tensor]:
    return values, torch.full((len(values),), cls)


def normal(seed: int, mean: float, std: float, count: int = COUNT) -> Tensor:
    return mean + std * torch.randn(count, generator=torch.Generator().manual_seed(seed))


def two_modes(seed: int) -> Tensor:
    """Four tenths lie across the end of the circle."""
    low = torch.rand(COUNT, generator=torch.Generator().manual_seed(seed)) < 0.4
    return torch.where(low, normal(seed + 1, 0.02, 0.03), normal(seed + 2, 0.5, 0.05)) % 1


@given(st.floats(0, 1, width=32), st.sampled_from([LINE, CIRCLE]))
def test_nothing_is_changed_before_a_fit(value: float, attribute: int) -> None:
    found = float(through(margins(), attribute, torch.tensor([value])))
    assert min(abs(found - value), 1 - abs(found - value) if attribute == CIRCLE else 1) < 1e-6


# Between two of 65 quantiles the map is straight: at most 1/64 of the mass lies off by the width of such a
# step. Two samples of 8,000 differ by less than 2 std / sqrt(8000) = 0.022 std in the mean distance.
def test_the_law_of_a_line_comes_out() -> None:
    net, wanted = margins(), normal(1, 0.3, 0.05).clamp(0, 1)
    net.fit(0, LINE, of_class(normal(0, 0.6, 0.1)), of_class(wanted))
    found = through(net, LINE, normal(5, 0.6, 0.1))
    assert wasserstein(found.numpy(), wanted.numpy(), 1.0) < 0.003


def test_modes_on_a_circle_come_out() -> None:
    net, wanted = margins(), two_modes(10)
    net.fit(0, CIRCLE, of_class(normal(0, 0.4, 0.2) % 1), of_class(wanted))
    found = through(net, CIRCLE, normal(5, 0.4, 0.2) % 1)
    assert circular_wasserstein(found.numpy(), wanted.numpy(), 1.0) < 0.01
    between = (found > 0.15) & (found < 0.3)
    assert between.float().mean() < 1.5 / (KNOTS - 1)


@given(seed=st.integers(0, 20))
def test_order_stays(seed: int) -> None:
    net = margins()
    net.fit(0, LINE, of_class(two_modes(seed)), of_class(normal(seed, 0.5, 0.1)))
    values = torch.linspace(-0.5, 1.5, 500)
    assert (torch.diff(through(net, LINE, values)) >= 0).all()


def test_classes_have_maps_of_their_own_where_they_are_known() -> None:
    net = margins()
    ours = torch.cat([normal(0, 0.5, 0.1), normal(1, 0.5, 0.1, LEAST - 1)])
    wanted = torch.cat([normal(2, 0.2, 0.02), normal(3, 0.8, 0.02)])
    classes = [
        torch.arange(2).repeat_interleave(torch.tensor([COUNT, len(x) - COUNT])) for x in (ours, wanted)
    ]
    net.fit(0, LINE, (ours, classes[0]), (wanted, classes[1]))
    assert through(net, LINE, normal(4, 0.5, 0.1), 0).mean() == pytest.approx(0.2, abs=0.002)
    # Of the second too few are ours: what holds of both together, half of it at 0.2.
    assert through(net, LINE, normal(4, 0.5, 0.1), 1).mean() == pytest.approx(0.5, abs=0.03)


def test_rare_classes_together_have_the_law_that_is_wanted_of_them() -> None:
    """Were each given the law of all classes, the whole would be wider than it should."""
    classes = torch.repeat_interleave(torch.arange(4), torch.tensor([COUNT, *[LEAST - 50] * 3]))
    wanted = 0.2 + 0.2 * classes + normal(0, 0, 0.02, len(classes))
    ours, nil = normal(1, 0.5, 0.1, len(classes)), torch.zeros_like(classes)
    net = Margins(1, 4, torch.tensor([[False]]))
    net.fit(0, 0, (ours, classes), (wanted, classes))
    found = net(ours, nil, classes, nil)
    for some in (classes == 0, classes > 0):
        assert wasserstein(found[some].numpy(), wanted[some].numpy(), 1.0) < 0.01


def test_gradients_are_the_slopes_of_the_map() -> None:
    net = margins()
    net.fit(0, LINE, of_class(normal(0, 0.5, 0.1)), of_class(normal(1, 0.4, 0.05)))
    values = torch.linspace(0.3, 0.7, 23).requires_grad_()
    through(net, LINE, values).sum().backward()
    with torch.no_grad():
        slope = (through(net, LINE, values + 1e-4) - through(net, LINE, values - 1e-4)) / 2e-4
    assert values.grad is not None
    np.testing.assert_allclose(values.grad.numpy(), slope.numpy(), rtol=0.05)
