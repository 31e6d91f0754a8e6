"""Laws of the posterior: densities integrate to one, draws follow them, the drawing order is free."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor, nn

from metasim.base.streams import seeded_layers, torch_stream
from metasim.model.posterior import AutoregressivePosterior, MixtureHead, encode

DRAWS = 20_000
# Kolmogorov's distance of so many draws from their law is larger once in ten thousand (Massart's bound).
KS_BOUND = math.sqrt(math.log(2 / 1e-4) / (2 * DRAWS))


def head_of(seed: int, periodic: bool, loudness: float = 8.0) -> MixtureHead:
    """A head whose components differ in weight, place and width."""
    with seeded_layers(seed, "test/head"):
        head = MixtureHead(4, periodic, hidden=16)
    with torch.no_grad():
        last_of(head).weight.mul_(loudness)
    return head.requires_grad_(False)


def last_of(head: MixtureHead) -> nn.Linear:
    last = head.net[2]
    assert isinstance(last, nn.Linear)
    return last


def given_row(seed: int) -> Tensor:
    return torch.randn(1, 4, generator=torch_stream(seed, "test/given"))


def normals(head: MixtureHead, given: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Weights, means and spreads of the normals, and the weight of the even share."""
    log_weight, mean, scale = (t[0].double().numpy() for t in head.parameters_of(given))
    return np.exp(log_weight[:-1]), mean, scale, float(np.exp(log_weight[-1]))


def densities(head: MixtureHead, given: Tensor, at: np.ndarray) -> np.ndarray:
    points = torch.from_numpy(at).float()
    return head.log_prob(points, given.expand(len(points), -1)).exp().double().numpy()


def middles(low: float, high: float, count: int) -> np.ndarray:
    return low + (high - low) * (np.arange(count) + 0.5) / count


@pytest.mark.parametrize("widen", [0.6, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(4))
def test_density_of_a_linear_attribute_integrates_to_one(seed: int, widen: float) -> None:
    """Over the real line the normals, over the range the even share, whose density is told beyond it too."""
    head, given = head_of(seed, periodic=False), given_row(seed)
    head.widen.fill_(widen)
    *_, even = normals(head, given)
    at = middles(-40, 41, 810_000)
    inside = (at > 0) & (at < 1)
    total = (densities(head, given, at) - even * ~inside).mean() * 81
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("widen", [0.6, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_density_of_an_angle_integrates_to_one(seed: int, widen: float) -> None:
    """But for what normals put more than a turn and a half away, which the widest spread keeps small."""
    head, given = head_of(seed, periodic=True, loudness=3.0), given_row(seed)
    head.widen.fill_(widen)
    weight, _, scale, _ = normals(head, given)
    beyond = (weight * 2 * scipy.stats.norm.sf(1.5 / scale)).sum()
    total = densities(head, given, middles(0, 1, 40_000)).mean()
    assert total == pytest.approx(1 - beyond, abs=2e-3)
    assert beyond < 2 * scipy.stats.norm.sf(1.5 / 0.4) + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_density_of_an_angle_has_no_end(seed: int) -> None:
    head, given = head_of(seed, periodic=True), given_row(seed)
    at = np.linspace(0, 1, 33)
    np.testing.assert_allclose(densities(head, given, at), densities(head, given, at + 1), rtol=1e-3)


@pytest.mark.parametrize("floor", [1e-3, 0.1])
def test_the_even_share_is_a_floor_everywhere(floor: float) -> None:
    head, given = head_of(0, periodic=False), given_row(0)
    last_of(head).bias[8] = -20.0  # the head itself learnt to have none
    head.floor.fill_(floor)
    assert densities(head, given, middles(0, 1, 1000)).min() >= floor * (1 - 1e-4)
    *_, even = normals(head, given)
    assert even == pytest.approx(floor, rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_draws_of_a_linear_attribute_follow_the_density(seed: int) -> None:
    """What the normals put beyond the range is drawn at its ends."""
    head, given = head_of(seed, periodic=False), given_row(seed)
    weight, mean, scale, even = normals(head, given)
    draws = np.sort(
        head.sample(given, torch.zeros(DRAWS, 0), torch_stream(seed, "test/draws")).double().numpy()
    )
    assert draws.min() >= 0
    assert draws.max() <= 1

    def cumulative(x: np.ndarray) -> np.ndarray:
        return (weight * scipy.stats.norm.cdf(x[:, None], mean, scale)).sum(1) + even * x.clip(0, 1)

    at = np.linspace(0, 1, 2001)[:-1]
    found = np.searchsorted(draws, at, side="right") / DRAWS
    assert np.abs(found - cumulative(at)).max() < KS_BOUND
    assert 1 - cumulative(np.ones(1)) == pytest.approx((draws == 1).mean(), abs=KS_BOUND)


@pytest.mark.parametrize("seed", range(4))
def test_draws_of_an_angle_follow_the_density(seed: int) -> None:
    head, given = head_of(seed, periodic=True), given_row(seed)
    weight, mean, scale, even = normals(head, given)
    draws = head.sample(given, torch.zeros(DRAWS, 0), torch_stream(seed, "test/draws")).double().numpy()
    assert draws.min() >= 0
    assert draws.max() <= 1
    turns = np.arange(-60, 61)

    def cumulative(x: np.ndarray) -> np.ndarray:
        ends = [
            scipy.stats.norm.cdf(t[:, None, None] + turns, mean[:, None], scale[:, None]) for t in (x, 0 * x)
        ]
        return (weight * (ends[0] - ends[1]).sum(-1)).sum(1) + even * x

    at = np.linspace(0, 1, 201)
    found = np.searchsorted(np.sort(draws), at, side="right") / DRAWS
    assert np.abs(found - cumulative(at)).max() < KS_BOUND


def joint(
    periodic: list[bool], order: list[int], loudness: float = 6.0, gated: bool = False
) -> AutoregressivePosterior:
    with seeded_layers(0, "test/joint"):
        posterior = AutoregressivePosterior([4] * len(periodic), periodic, 2, order, gated)
    with torch.no_grad():
        for j in range(len(periodic)):
            last_of(posterior.head(j)).weight.mul_(loudness)
    return posterior.requires_grad_(False)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_joint_draws_follow_the_joint_density(order: list[int], gated: bool) -> None:
    posterior = joint([True, True], order, loudness=30.0, gated=gated)
    features, classes = [given_row(0), given_row(1)], torch.tensor([[1.0, 0.0]])
    side, cells = 240, 8
    axis = torch.from_numpy(middles(0, 1, side)).float()
    grid = torch.cartesian_prod(axis, axis)
    rows = [f.expand(len(grid), -1) for f in features]
    density = posterior.log_probs(grid, rows, classes.expand(len(grid), -1)).sum(1).exp().double()
    share = density.reshape(cells, side // cells, cells, side // cells).mean((1, 3)).numpy() / cells**2
    assert share.sum() == pytest.approx(1, abs=0.02)
    draws = posterior.sample(features, classes.expand(DRAWS, -1), torch_stream(0, "test/draws")).numpy()
    found, *_ = np.histogram2d(draws[:, 0], draws[:, 1], bins=cells, range=[(0, 1), (0, 1)])
    test = scipy.stats.chisquare(found.ravel(), share.ravel() / share.sum() * DRAWS)
    assert test.pvalue > 1e-4
    independent = np.outer(share.sum(1), share.sum(0)) / share.sum()
    assert scipy.stats.chisquare(found.ravel(), independent.ravel() * DRAWS / independent.sum()).pvalue < 1e-6


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:])
def test_the_order_does_not_matter_to_independent_attributes(order: tuple[int, ...]) -> None:
    """Heads that do not look at earlier attributes give the same densities in any order."""
    first, second = joint([False, True, False], [0, 1, 2]), joint([False, True, False], list(order))
    for j in range(3):
        for name, value in first.head(j).state_dict().items():
            theirs = second.head(j).state_dict()[name]
            if name == "net.0.weight":
                value[:, 6:] = 0
                theirs.zero_()
                theirs[:, :6] = value[:, :6]
            else:
                theirs.copy_(value)
    units = torch.rand(50, 3, generator=torch_stream(0, "test/units"))
    features = [torch.randn(50, 4, generator=torch_stream(j, "test/features")) for j in range(3)]
    classes = torch.eye(2)[torch.arange(50) % 2]
    torch.testing.assert_close(
        first.log_probs(units, features, classes), second.log_probs(units, features, classes)
    )


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_attributes_see_only_those_drawn_before(order: list[int]) -> None:
    posterior = joint([False, True, False], order)
    units = torch.rand(1, 3, generator=torch_stream(0, "test/units"))
    features, classes = [given_row(j) for j in range(3)], torch.tensor([[0.0, 1.0]])
    base = posterior.log_probs(units, features, classes)[0]
    for place, changed in enumerate(order):
        other = units.clone()
        other[0, changed] = 1 - other[0, changed] / 2
        moved = (posterior.log_probs(other, features, classes)[0] - base).abs() > 1e-5
        assert moved.tolist() == [order.index(j) >= place for j in range(3)]


def test_classes_and_features_are_heard() -> None:
    posterior = joint([False, True], [0, 1])
    units, features = torch.tensor([[0.3, 0.6]]), [given_row(0), given_row(1)]
    one, two = torch.eye(2)[:1], torch.eye(2)[1:]
    base = posterior.log_probs(units, features, one)
    assert ((posterior.log_probs(units, features, two) - base).abs() > 1e-5).all()
    assert ((posterior.log_probs(units, [f + 1 for f in features], one) - base).abs() > 1e-5).all()


def test_classes_among_many_features_are_heard_by_their_gates() -> None:
    """A class moves what a new head says as far as all features do, and not by one input of hundreds."""
    units, features = torch.full((400, 1), 0.3), torch.randn(400, 300, generator=torch_stream(0, "test/many"))
    one, two = torch.eye(2)[[0]].expand(400, 2), torch.eye(2)[[1]].expand(400, 2)

    def heard(gated: bool) -> float:
        with seeded_layers(0, "test/many/weights"):
            posterior = AutoregressivePosterior([300], [False], 2, [0], gated).requires_grad_(False)
        base = posterior.log_probs(units, [features], one)
        by_class = posterior.log_probs(units, [features], two) - base
        by_features = posterior.log_probs(units, [features.flip(0)], one) - base
        return float(by_class.std() / by_features.std())

    assert heard(gated=False) < 0.2
    assert heard(gated=True) > 0.5


def test_an_angle_is_encoded_without_an_end() -> None:
    ends = encode(torch.tensor([0.0, 1.0]), periodic=True)
    torch.testing.assert_close(ends[0], ends[1], atol=1e-5, rtol=0)
    codes = encode(torch.from_numpy(middles(0, 1, 100)).float(), periodic=True)
    assert torch.pdist(codes).min() > 0.05


def test_a_head_learns_a_law_with_two_modes() -> None:
    """Its loss comes down to the entropy of the law, and no further."""
    with seeded_layers(0, "test/head"):
        head = MixtureHead(1, periodic=False, hidden=16)
    rng = torch_stream(0, "test/two-modes")
    side = torch.randint(2, (4000,), generator=rng)
    values = 0.3 + 0.4 * side + 0.03 * torch.randn(4000, generator=rng)
    optimiser, given = torch.optim.Adam(head.parameters(), lr=1e-2), torch.zeros(4000, 1)
    for _ in range(200):
        loss = -head.log_prob(values, given).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    entropy = math.log(2) + 0.5 * math.log(2 * math.pi * math.e * 0.03**2)
    loss = -head.log_prob(values, given).mean()
    assert float(loss.detach()) == pytest.approx(entropy, abs=0.05)


def test_draws_of_several_rows_come_in_turn() -> None:
    """They are those of as many rows as draws, each beside its own."""
    posterior, rows, times = joint([True, False], [1, 0], loudness=30.0), 3, 50
    features = [torch.randn(rows, 4, generator=torch_stream(j, "test/rows")) for j in range(2)]
    classes = torch.eye(2).repeat(rows * times // 2, 1)
    together, apart = (
        posterior.sample(given, classes, torch_stream(0, "test/draws"))
        for given in (features, [f.repeat_interleave(times, 0) for f in features])
    )
    torch.testing.assert_close(together, apart, atol=1e-4, rtol=0)
    assert together[:times].std(0).min() > 0.01
