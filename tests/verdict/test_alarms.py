"""The tests of a verdict together: their level is kept, and each sees what it is for."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from metasim.base.streams import stream
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Column, SceneLayout
from metasim.verdict.alarms import VERDICT, Sample, false_alarms, p_values
from metasim.verdict.shifts import LEVEL

X = AttributeSpec("x", "m", 0, 1, mutable=True)
LAYOUT = SceneLayout(tuple(Column(name, name, X) for name in "ab"), (), ("a", "b"))


def sample(index: int, count: int, moved: float = 0.0, narrowed: float = 1.0, looks: float = 0.0) -> Sample:
    rng = stream(index, "test/alarms")
    truth = 0.5 + 0.1 * rng.standard_normal((count, 2)) * [narrowed, 1.0] + [moved, 0.0]
    means = truth + 0.02 * rng.standard_normal((count, 2))
    features = np.hstack([means, rng.random((count, 2))])
    return Sample(features, means, truth, {"other": looks + rng.standard_normal((count, 3))})


@pytest.mark.parametrize(
    ("change", "seen"),
    [({"moved": 0.05}, "shifts"), ({"narrowed": 0.5}, "spread"), ({"looks": 1.0}, "other")],
)
def test_each_test_sees_what_it_is_for(change: dict[str, float], seen: str) -> None:
    for index in range(5):
        parts = sample(2 * index, 150), sample(2 * index + 1, 150, **change)
        found = p_values(LAYOUT, *parts, stream(index, "test"), 99)
        assert found[seen] <= LEVEL / 4
        assert found[VERDICT] <= LEVEL


def test_the_verdict_keeps_its_level() -> None:
    """Holm's is at most the level, and not nothing: 120 pairs."""
    rejected = [
        p_values(LAYOUT, sample(2 * i, 60), sample(2 * i + 1, 60), stream(i, "test"), 99)[VERDICT] <= LEVEL
        for i in range(120)
    ]
    assert 1 <= sum(rejected) <= scipy.stats.binom.ppf(0.999, 120, LEVEL)


def test_false_alarms_are_about_the_level_of_every_test() -> None:
    """40 parts of one sample; the least sure level is that of the test of spreads."""
    found = false_alarms(LAYOUT, sample(0, 400), 500, stream(0, "test"))
    assert set(found) == {"mmd", "other", "spread", "shifts", "c2st", VERDICT}
    most = scipy.stats.binom.ppf(1 - 1e-4, 40, LEVEL) / 40
    assert all(share <= most for share in found.values())
