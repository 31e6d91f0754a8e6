"""The verdict's bench: laws that are what their names say, changes that are seen, a summary that can fail."""

from __future__ import annotations

import numpy as np
import pytest

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.bench.verdict import (
    DESTROYED,
    FAR_YAW,
    LOCATION,
    PAIRS,
    PRIOR,
    SAME,
    SPREAD,
    YAW,
    laws,
    summarise,
)
from metasim.matching.changes import CHANGES, LOOKS, other_object
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Column, SceneLayout
from metasim.verdict.alarms import VERDICT

X = AttributeSpec("x", "px", 8, 56, mutable=True)
LAYOUT = SceneLayout(
    (
        Column("digit", "digit", X),
        Column("digit", "digit", AttributeSpec("y", "px", 8, 56, mutable=True)),
        Column("digit", "digit", AttributeSpec("yaw", "deg", 0, 360, True, True)),
    ),
    (),
    ("digit",),
)
BASE = 0.5 + 0.05 * stream(0, "test/base").standard_normal((20000, 3))
TOLD = laws(LAYOUT, BASE, BASE + 0.3)


def test_laws_differ_in_what_they_are_named_for_alone() -> None:
    np.testing.assert_allclose(TOLD[LOCATION].fresh - BASE, np.broadcast_to([0.02, 0, 0], BASE.shape))
    for name, degrees in ((YAW, 5), (FAR_YAW, 10)):
        turned = np.broadcast_to([0, 0, degrees / 360], BASE.shape)
        np.testing.assert_allclose(TOLD[name].fresh - BASE, turned)
    np.testing.assert_allclose(TOLD[SPREAD].fresh.std(0) / BASE.std(0), [2 / 3, 1, 1])
    np.testing.assert_allclose(TOLD[SPREAD].fresh.mean(0), BASE.mean(0))
    assert TOLD[SAME].target is TOLD[SAME].fresh


def test_the_destroyed_correlation_leaves_means_and_spreads() -> None:
    tied, free = TOLD[DESTROYED].target, TOLD[DESTROYED].fresh
    bound = 4 / len(BASE) ** 0.5
    assert np.corrcoef(tied.T)[0, 1] == pytest.approx(0.99, abs=bound)
    assert np.corrcoef(free.T)[0, 1] == pytest.approx(0.0, abs=bound)
    np.testing.assert_allclose(tied.mean(0), free.mean(0), atol=0.05 * bound)
    np.testing.assert_allclose(tied.std(0), free.std(0), rtol=bound)


def test_without_an_angle_there_is_no_bench() -> None:
    with pytest.raises(InputError, match="two locations and an angle"):
        laws(SceneLayout(LAYOUT.columns[:2], (), ("digit",)), BASE[:, :2], BASE[:, :2])


@pytest.mark.parametrize("name", list(CHANGES))
def test_changes_keep_the_form_and_not_the_content(name: str) -> None:
    images = np.zeros((3, 40, 50, 3), np.uint8)
    images[:, 10:20, 15:20] = 255
    changed = CHANGES[name](images, stream(0, "test"))
    assert changed.shape == images.shape
    assert changed.dtype == np.uint8
    assert np.abs(changed.astype(int) - images).mean() > 3


def test_the_other_object_is_where_the_object_was() -> None:
    images = np.zeros((4, 60, 60, 3), np.uint8)
    images[:, 34:41, 20:27] = 200
    ink = other_object(images, stream(0, "test")).mean((0, 3))
    y, x = np.mgrid[:60, :60]
    assert (ink * y).sum() / ink.sum() == pytest.approx(37, abs=0.5)
    assert (ink * x).sum() / ink.sum() == pytest.approx(23, abs=0.5)


def outcome(
    alarms: float = 0.05, power: float = 0.95, prior: float = 1.0, strange: float = 1.0, looks: float = 0.02
) -> bool:
    shares = {
        SAME: alarms,
        LOCATION: power,
        YAW: power,
        FAR_YAW: 1.0,
        SPREAD: 0.1,
        DESTROYED: 0.1,
        PRIOR: prior,
    }
    rejected = {name: {"mmd": share, VERDICT: share} for name, share in shares.items()}
    others = dict.fromkeys(CHANGES, strange) | {SAME: 0.01, LOOKS: looks}
    return summarise(rejected, others, PAIRS)["passed"]


def test_a_summary_passes_only_if_everything_does() -> None:
    assert outcome()
    assert not outcome(alarms=0.1)
    assert not outcome(alarms=0.0)
    assert not outcome(power=0.85)
    assert not outcome(prior=0.99)
    assert not outcome(strange=0.05)
    assert not outcome(looks=0.5)
