"""Rereading: what is not read off known renders is found out by class, however sure the network is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Array, Choice, Column, SceneLayout
from metasim.stats.reading import FOLDS, multiple_means
from metasim.verdict.identifiability import DROWNED, UNKNOWN, Beliefs, identify
from metasim.verdict.rereading import FEW, Reread, misreadings, readings

YAW = AttributeSpec("yaw", "deg", 0, 360, periodic=True, mutable=True)
X = AttributeSpec("x", "m", -1, 1, mutable=True)
LAYOUT = SceneLayout(
    (Column("thing", "thing", YAW), Column("light", "light", X)),
    (Choice("thing", ("shoe", "bowl")),),
    ("room", "thing", "light"),
)
COUNT, DRAWS, ERROR = 400, 40, 0.01


def reread(width: float = 0.3, error: float = ERROR) -> Reread:
    """Yaw and x are read with an error, but the yaw of bowls is not read at all."""
    rng = stream(0, "test/reread")
    units = 0.5 + width * (rng.random((COUNT, 2)) - 0.5)
    classes = rng.integers(2, size=(COUNT, 1))
    means = units + error * rng.standard_normal((COUNT, 2))
    bowls = classes[:, 0] == 1
    means[bowls, 0] = rng.permutation(units[bowls, 0])
    return Reread(units, classes, sure(means % 1))


def sure(means: Array) -> Array:
    """(n, F, D) what is read where nothing but the (n, D) means is thought possible."""
    return multiple_means(means[:, None], LAYOUT.periodic)


def sure_posteriors() -> Beliefs:
    """Narrow posteriors of everything, also of the yaw of bowls."""
    rng = stream(0, "test/sure")
    units = rng.random((COUNT, 1, 2)) + ERROR * rng.standard_normal((COUNT, DRAWS, 2))
    classes = np.repeat(rng.integers(2, size=(COUNT, 1, 1)), DRAWS, 1)
    even = np.full((COUNT, DRAWS), 1 / DRAWS)
    return Beliefs(units % 1, classes, even, even)


def test_what_is_read_is_explained_and_what_is_not_is_not() -> None:
    found = readings(LAYOUT, reread(), reread())
    share = 1 - ERROR**2 / (0.3**2 / 12)
    assert found["light.x"].explained == {"": pytest.approx(share, abs=0.01)}
    assert found["light.x"].error == pytest.approx(2 * ERROR, rel=0.2)  # a range of two metres
    yaw = found["thing.yaw"].explained
    assert yaw["shoe"] == pytest.approx(share, abs=0.01)
    assert yaw["bowl"] < 0


def test_ratios_of_errors_are_one_where_nothing_is_read() -> None:
    yaw, x = (misreadings(LAYOUT, column, reread()) for column in LAYOUT.columns)
    assert yaw["shoe"].ratio < 0.3
    assert yaw["bowl"].ratio > 0.8
    assert x[""].ratio < 0.3
    assert x[""].renders == COUNT


def test_few_renders_of_a_class_say_nothing_of_it() -> None:
    r = reread()
    rows = np.concatenate(
        [np.flatnonzero(r.classes[:, 0] == 0), np.flatnonzero(r.classes[:, 0] == 1)[: FEW - 1]]
    )
    few = Reread(r.units[rows], r.classes[rows], r.multiples[rows])
    assert set(misreadings(LAYOUT, LAYOUT.columns[0], few)) == {"shoe"}


def test_a_network_that_is_sure_of_what_it_cannot_read_is_not_believed() -> None:
    believed = identify(LAYOUT, sure_posteriors())["thing.yaw"]
    assert believed.classes_not_identifiable == ()
    checked = identify(LAYOUT, sure_posteriors(), bank=[reread()], fresh=reread())
    assert checked["thing.yaw"].classes_not_identifiable == ("bowl",)
    assert checked["thing.yaw"].identifiable
    assert checked["light.x"] == identify(LAYOUT, sure_posteriors())["light.x"]


def test_what_is_read_where_scenes_lie_anywhere_is_read() -> None:
    """About the target it may vary hardly more than readings err, which says nothing against it."""
    near, wide = reread(width=0.01), reread()
    assert misreadings(LAYOUT, LAYOUT.columns[1], near)[""].ratio > UNKNOWN
    rounds = {"near": [near], "both": [wide, near]}
    found = {name: identify(LAYOUT, sure_posteriors(), bank=bank) for name, bank in rounds.items()}
    assert found["near"]["light.x"].untold == ("",)
    assert found["both"]["light.x"].untold == ()
    assert found["both"]["thing.yaw"].untold == ("bowl",)


def test_a_spread_below_the_error_of_reading_is_not_told() -> None:
    """The population is even on [0, 1]; readings of fresh renders err by more or less than it allows."""
    for factor, told in ((0.5, True), (1.5, False)):
        fresh = reread(width=0.0, error=factor * DROWNED * 12**-0.5)
        means = (
            fresh.units + stream(0, "test/noise").standard_normal((COUNT, 2)) * factor * DROWNED * 12**-0.5
        )
        found = identify(LAYOUT, sure_posteriors(), fresh=Reread(fresh.units, fresh.classes, sure(means)))
        assert found["light.x"].spread_identifiable is told
        assert found["light.x"].identifiable


def test_what_is_read_about_the_target_alone_is_read_but_for_the_way_an_angle_points() -> None:
    near = reread()
    rng = stream(0, "test/anywhere")
    unread = Reread(near.units, near.classes, rng.permutation(near.multiples))
    found = identify(LAYOUT, sure_posteriors(), bank=[unread, near])
    assert found["light.x"] == identify(LAYOUT, sure_posteriors())["light.x"]
    assert found["thing.yaw"].classes_not_identifiable == ("shoe", "bowl")
    assert found["thing.yaw"].untold == ("bowl",)


def unsure_posteriors() -> Beliefs:
    """The same, but the yaw of bowls may be anything."""
    beliefs = sure_posteriors()
    bowls = beliefs.classes[:, 0, 0] == 1
    beliefs.units[bowls, :, 0] = stream(0, "test/unsure").random((int(bowls.sum()), DRAWS))
    return beliefs


@pytest.mark.parametrize(
    ("count", "error", "untold"), [(COUNT, 0.4, ()), (12, 0.45, ("bowl",)), (COUNT, 0.7, ("bowl",))]
)
def test_what_is_surely_read_is_told_however_unsure_the_network_is(
    count: int, error: float, untold: tuple[str, ...]
) -> None:
    """Errors of known size, all alike. That of a constant is a quarter, the median of the law."""
    units = (np.arange(count) / count)[:, None].repeat(2, axis=1)
    away = np.where(np.arange(count) % 2, error, -error)[:, None] / 4
    bank = [Reread(units, np.ones((count, 1), np.int64), sure((units + away) % 1))]
    assert identify(LAYOUT, unsure_posteriors())["thing.yaw"].untold == ("bowl",)
    assert identify(LAYOUT, unsure_posteriors(), bank=bank)["thing.yaw"].untold == untold


def test_guesses_are_hardly_ever_surely_read() -> None:
    """Once in a hundred times, and of 2,000 not more often than four standard errors above that."""
    rng, classes = stream(0, "test/guesses"), np.ones((FEW, 1), np.int64)
    column = LAYOUT.columns[0]
    guesses = [Reread(rng.random((FEW, 2)), classes, sure(rng.random((FEW, 2)))) for _ in range(2000)]
    found = [misreadings(LAYOUT, column, each)["bowl"].sure for each in guesses]
    assert sum(found) / 2000 < 0.01 + 4 * (0.01 * 0.99 / 2000) ** 0.5


def test_later_rounds_together_tell_what_each_is_too_small_for() -> None:
    wide = Reread(np.zeros((0, 2)), np.zeros((0, 1), np.int64), np.zeros((0, len(FOLDS), 2)))
    rng = stream(0, "test/parts")
    units, classes = rng.random((FEW, 2)), np.ones((FEW, 1), np.int64)
    parts = [Reread(units[rows], classes[rows], sure(units[rows])) for rows in (slice(0, 4), slice(4, FEW))]
    for bank, untold in (([wide, parts[0]], ("bowl",)), ([wide, *parts], ())):
        assert identify(LAYOUT, unsure_posteriors(), bank=bank)["thing.yaw"].untold == untold


def test_what_keeps_its_prior_law_is_not_identifiable() -> None:
    """Two readings of the same renders may come to either side of a bound."""
    found = identify(LAYOUT, sure_posteriors(), kept={(0, "shoe"), (1, "")})
    assert found["thing.yaw"].untold == found["thing.yaw"].classes_not_identifiable == ("shoe",)
    assert not found["light.x"].identifiable


@pytest.mark.parametrize("fold", FOLDS[1:])
def test_an_angle_that_may_be_a_part_of_a_turn_away_is_read_up_to_that(fold: int) -> None:
    """Draws at all alike positions have no mean, but their multiples have one."""
    rng = stream(0, "test/alike")
    units = rng.random((COUNT, 2))
    turns = rng.integers(fold, size=(COUNT, 1000)) / fold
    draws = np.repeat(units[:, None], 1000, 1) + ERROR * rng.standard_normal((COUNT, 1000, 2))
    draws[..., 0] = (draws[..., 0] + turns) % 1
    read = Reread(units, np.ones((COUNT, 1), np.int64), multiple_means(draws, LAYOUT.periodic))
    found = misreadings(LAYOUT, LAYOUT.columns[0], read)["bowl"]
    # The error of the mean of 1,000 draws, over a quarter, the median of an angle that may be anywhere.
    assert found.ratio < 5 * fold * ERROR / 1000**0.5 / 0.25
    by_mean = replace(read, multiples=sure(read.means))
    assert misreadings(LAYOUT, LAYOUT.columns[0], by_mean)["bowl"].ratio > 4 * found.ratio
