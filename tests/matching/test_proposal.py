"""Laws of proposals: the density is that of the draws, and everything stays possible."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats

from metasim.base.streams import stream
from metasim.matching.proposal import BINS, Proposal, focused_proposal, smooth_histogram, wide_proposal
from metasim.scene.layout import Array, Classes

DRAWS = 8_000


def random_proposal(seed: int, width: int, sizes: tuple[int, ...]) -> Proposal:
    """Three components with histograms and classes of their own."""
    rng = stream(seed, "test/proposal")
    histograms = rng.gamma(0.5, size=(3, width, BINS)) + 0.02
    histograms /= histograms.mean(-1, keepdims=True)
    shares = tuple(rng.dirichlet(np.ones(size), 3) for size in sizes)
    return Proposal(rng.dirichlet(np.ones(3)), histograms, shares, np.array([0.05, 0.3, 0.9]))


def draws_of(proposal: Proposal, seed: int, count: int = DRAWS) -> tuple[Array, Classes]:
    rng = stream(seed, "test/draws")
    pairs = [proposal.sample(rng) for _ in range(count)]
    return np.stack([u for u, _ in pairs]), np.stack([c for _, c in pairs])


def cells(width: int, sizes: tuple[int, ...]) -> tuple[Array, Classes]:
    """The middle of every bin with every combination of classes."""
    middle = (np.arange(BINS) + 0.5) / BINS
    rows = list(product(*([middle] * width), *(range(size) for size in sizes)))
    table = np.array(rows)
    return table[:, :width], table[:, width:].astype(np.int64)


@pytest.mark.parametrize(("width", "sizes"), [(1, ()), (1, (3, 2)), (2, ()), (2, (3,))])
def test_density_integrates_to_one(width: int, sizes: tuple[int, ...]) -> None:
    """Exactly: it is constant on every cell."""
    proposal = random_proposal(0, width, sizes)
    mass = np.exp(proposal.log_density(*cells(width, sizes))) / BINS**width
    assert mass.sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_density_of_many_attributes_integrates_to_one(seed: int) -> None:
    """By importance: the mean of 1 / q over draws of q is the volume, of variance at most 1 / min q."""
    proposal = Proposal(
        *(random_proposal(seed, 4, (3,)).__dict__[name] for name in ("weights", "histograms")),
        class_probabilities=random_proposal(seed, 4, (3,)).class_probabilities,
        levels=np.array([0.6, 0.9]),
    )
    inverse = np.exp(-proposal.log_density(*draws_of(proposal, seed)))
    bound = 5 * inverse.std() / np.sqrt(DRAWS)
    assert inverse.mean() == pytest.approx(3, abs=bound)
    assert bound < 0.3


@pytest.mark.parametrize("seed", range(3))
def test_draws_follow_the_density(seed: int) -> None:
    """Chi-square over cells of two attributes and a class."""
    proposal = random_proposal(seed, 2, (3,))
    units, classes = draws_of(proposal, seed)
    coarse = 8
    middles, kinds = cells(2, (3,))
    mass = np.exp(proposal.log_density(middles, kinds)) / BINS**2
    expected = np.bincount(cell_of(middles, kinds, coarse), mass, 3 * coarse**2) * DRAWS
    found = np.bincount(cell_of(units, classes, coarse), minlength=3 * coarse**2)
    assert scipy.stats.chisquare(found, expected).pvalue > 1e-4
    other = np.bincount(cell_of(middles, (kinds + 1) % 3, coarse), mass, 3 * coarse**2) * DRAWS
    assert scipy.stats.chisquare(found, other).pvalue < 1e-6


def cell_of(units: Array, classes: Classes, coarse: int) -> npt.NDArray[np.int64]:
    bins = np.minimum((units * coarse).astype(np.int64), coarse - 1)
    return (classes[:, 0] * coarse + bins[:, 0]) * coarse + bins[:, 1]


def test_classes_come_as_often_as_the_density_says() -> None:
    proposal = random_proposal(1, 1, (4, 2))
    _, classes = draws_of(proposal, 1)
    middles, kinds = cells(1, (4, 2))
    mass = np.exp(proposal.log_density(middles, kinds)) / BINS
    expected = np.bincount(kinds[:, 0] * 2 + kinds[:, 1], mass, 8) * DRAWS
    found = np.bincount(classes[:, 0] * 2 + classes[:, 1], minlength=8)
    assert scipy.stats.chisquare(found, expected).pvalue > 1e-4


def test_the_ends_of_the_range_have_a_density() -> None:
    proposal = random_proposal(0, 1, ())
    ends = proposal.log_density(np.array([[0.0], [1.0]]), np.zeros((2, 0), dtype=np.int64))
    inside = proposal.log_density(np.array([[0.001], [0.999]]), np.zeros((2, 0), dtype=np.int64))
    np.testing.assert_array_equal(ends, inside)


@pytest.mark.parametrize("periodic", [False, True])
def test_smooth_histograms_are_densities_that_never_vanish(periodic: bool) -> None:
    heights = smooth_histogram(np.full(50, 0.999), np.ones(50), periodic)
    assert heights.mean() == pytest.approx(1)
    assert heights.min() > 0.01
    assert (heights[0] > 1) == periodic  # what lies at the end of a circle lies at its start
    assert smooth_histogram(np.array([0.2]), np.zeros(1), periodic).min() > 0.01


def test_the_wide_proposal_makes_at_least_a_quarter_uniform_and_classes_even() -> None:
    rng = stream(0, "test/prior")
    units = np.column_stack([0.5 + 0.01 * rng.standard_normal(500), rng.random(500)])
    proposal = wide_proposal(units, np.zeros((500, 1), np.int64), np.array([False, True]), (3,))
    drawn, classes = draws_of(proposal, 0)
    far = np.abs(drawn[:, 0] - 0.5) > 0.2
    level = proposal.levels.mean()  # of the range 0.6 is that far; the floor of the histogram adds 0.02 of it
    expected = 0.6 * (level + (1 - level) * 0.02)
    assert proposal.levels.min() == 0.25
    assert far.mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(DRAWS))
    counts = np.bincount(classes[:, 0], minlength=3)
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


def two_modes(count: int, seed: int = 0) -> tuple[Array, Classes, Array]:
    """Modes at (0.25, 0.25) and (0.75, 0.75), the second three times as heavy, each with a class."""
    rng = stream(seed, "test/modes")
    side = rng.integers(2, size=count)
    units = 0.25 + 0.5 * side[:, None] + 0.02 * rng.standard_normal((count, 2))
    return units, side[:, None], np.where(side == 1, 3.0, 1.0)


def test_the_focused_proposal_keeps_two_modes_apart() -> None:
    """Nothing but the uniform replacement fills the corners between them."""
    proposal = focused_proposal([two_modes(2000)], np.array([False, False]), (2,), 2, 0)
    units, classes = draws_of(proposal, 0)
    low, high = (np.abs(units - c).max(1) < 0.15 for c in (0.25, 0.75))
    mixed = (np.abs(units - [0.25, 0.75]).max(1) < 0.15) | (np.abs(units - [0.75, 0.25]).max(1) < 0.15)
    even = proposal.levels + (1 - proposal.levels) * 0.02  # histograms have an even share too
    chance = np.mean(2 * even * (1 - even) * 0.3 + 2 * (even * 0.3) ** 2)
    assert mixed.mean() == pytest.approx(chance, abs=4 * np.sqrt(chance / DRAWS))
    assert low.mean() + high.mean() > 5 * chance
    assert high.sum() / low.sum() == pytest.approx(3, rel=0.2)
    assert (classes[high, 0] == 1).mean() > 0.85
    assert (classes[low, 0] == 0).mean() > 0.85


def test_sets_have_the_same_share_whatever_their_weight() -> None:
    near, far = two_modes(500), two_modes(500, 1)
    sets = [(near[0] * 0.1, near[1], near[2]), (1 - far[0] * 0.1, far[1], 100 * far[2])]
    units, _ = draws_of(focused_proposal(sets, np.array([False, False]), (2,), 3, 0), 0, 5000)
    share = (units.mean(1) < 0.5).mean()
    assert share == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(5000))


def test_the_focused_proposal_does_not_cut_a_mode_at_the_end_of_a_circle() -> None:
    rng = stream(0, "test/circle")
    units = np.mod(0.02 * rng.standard_normal((1000, 1)), 1.0)
    proposal = focused_proposal(
        [(units, np.zeros((1000, 0), np.int64), np.ones(1000))], np.array([True]), (), 1, 0
    )
    ends = proposal.log_density(np.array([[0.001], [0.999], [0.5]]), np.zeros((3, 0), np.int64))
    assert ends[0] == pytest.approx(ends[1], abs=0.3)
    assert ends[0] > ends[2] + 2


@pytest.mark.parametrize("seed", range(3))
def test_everything_stays_possible(seed: int) -> None:
    """No draw can have an importance weight beyond what the levels allow."""
    proposal = focused_proposal([two_modes(300, seed)], np.array([False, False]), (2,), 4, seed)
    rng = stream(seed, "test/anywhere")
    anywhere = rng.random((1000, 2)), rng.integers(2, size=(1000, 1))
    least = np.log(np.mean(proposal.levels**2 * proposal.levels / 2))
    assert proposal.log_density(*anywhere).min() >= least
