"""Alarms: the tests of a verdict side by side, and how often they reject where nothing differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from metasim.scene.layout import Array, SceneLayout
from metasim.stats.c2st import c2st
from metasim.verdict.evidence import Features, Pool, standardised
from metasim.verdict.shifts import LEVEL, Readings, holm, shifts, spread_p_value

REPEATS = 40
PERMUTATIONS = 99
MAIN = "mmd"  # the test of the main features; that of others has their name
CLASSIFIER = "c2st"
VERDICT = "verdict"  # the tests together: whether anything at all is rejected


@dataclass(frozen=True)
class Sample:
    """Images of one law as the tests see them, a row each.

    Attributes:
        features: (n, F) the main features.
        means: (n, D) posterior means on [0, 1].
        truth: (n, D) attributes on [0, 1], where they are known.
        others: (n, G) of each further kind of features that is tested, by name.
    """

    features: Features
    means: Array
    truth: Array
    others: Mapping[str, Features] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.means)

    def take(self, rows: npt.NDArray[np.intp]) -> Sample:
        """Some of the rows."""
        others = {name: features[rows] for name, features in self.others.items()}
        return Sample(self.features[rows], self.means[rows], self.truth[rows], others)

    @property
    def every(self) -> dict[str, Features]:
        """All features by the name of their test."""
        return {MAIN: self.features, **self.others}


def p_values(
    layout: SceneLayout, target: Sample, fresh: Sample, rng: np.random.Generator, permutations: int
) -> dict[str, float]:
    """The p value of every test of two samples, and under ``verdict`` that of the tests together.

    Args:
        layout: Columns of the samples.
        target: One sample, whose truth is not looked at.
        fresh: The other.
        rng: Draws permutations and folds.
        permutations: How many.
    """
    theirs = fresh.every
    exact = {name: _mmd(f, theirs[name], rng, permutations) for name, f in target.every.items()}
    return _with_verdict(exact | _approximate(layout, target, fresh, rng, permutations))


def _approximate(
    layout: SceneLayout, target: Sample, fresh: Sample, rng: np.random.Generator, permutations: int
) -> dict[str, float]:
    """The tests whose level is approximate."""
    found = shifts(layout, Readings(target.means, fresh.means, fresh.truth))
    return {
        "spread": spread_p_value(layout, target.means, fresh.means, rng, permutations),
        "shifts": float(holm([s.p_value for s in found.values()]).min()),
        CLASSIFIER: c2st(target.features, fresh.features, rng).p_value,
    }


def _with_verdict(tests: dict[str, float]) -> dict[str, float]:
    """The classifier does not join the verdict: it asks what the MMD of the same features asks."""
    counted = [p for name, p in tests.items() if name != CLASSIFIER]
    return tests | {VERDICT: float(holm(counted).min())}


def _mmd(target: Features, fresh: Features, rng: np.random.Generator, permutations: int) -> float:
    pool = Pool(standardised([target, fresh]), rng)
    held, drawn = pool.rows
    return pool.test(held, drawn, rng, permutations).p_value


def false_alarms(layout: SceneLayout, fresh: Sample, size: int, rng: np.random.Generator) -> dict[str, float]:
    """How often each test rejects at 5 % where fresh renders are tested against other fresh renders.

    Disjoint parts are drawn again and again from the same renders. Given these, the permutation test of
    the MMD has its exact level, whatever the renders; the classifier and the tests of shifts and spreads,
    whose levels are approximate, are what this watches.

    Args:
        layout: Columns of the sample.
        fresh: Fresh renders of one generator.
        size: Of a part, at most half of them.
        rng: Draws the parts.
    """
    size = min(size, len(fresh) // 2)
    pools = {name: Pool(standardised([f]), rng) for name, f in fresh.every.items()}
    rejected: dict[str, list[bool]] = {}
    for _ in range(REPEATS):
        x, y = rng.permutation(len(fresh))[: 2 * size].reshape(2, size)
        tests = {name: pool.test(x, y, rng, PERMUTATIONS).p_value for name, pool in pools.items()}
        tests |= _approximate(layout, fresh.take(x), fresh.take(y), rng, PERMUTATIONS)
        for name, p in _with_verdict(tests).items():
            rejected.setdefault(name, []).append(p <= LEVEL)
    return {name: float(np.mean(values)) for name, values in rejected.items()}
