"""A rehearsal corrects what the images of a class tell by the readings of that class alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from metasim.base.streams import stream
from metasim.matching.bank import Renders
from metasim.matching.correction import Correction
from metasim.matching.population import Posteriors, Unknown, fit_population
from metasim.matching.rehearsal import Rehearsal
from metasim.scene.layout import Array, Classes, Drawn

IMAGES, DRAWS = 2000, 16
SPREAD, GUESS, NOISE = 0.03, 0.2, 0.005
SHRUNK = 0.7  # what the network makes of an offset from the middle
STRAIGHT: npt.NDArray[np.bool_] = np.array([False])


def read(scenes: Array, kinds: Classes, rng: np.random.Generator) -> Posteriors:
    """What a network makes of renders: too near the middle, and nothing of the second class."""
    units = 0.5 + SHRUNK * (scenes[:, None] - 0.5) + NOISE * rng.standard_normal((IMAGES, DRAWS, 1))
    guesses = 0.5 + GUESS * rng.standard_normal(units.shape)
    classes = np.broadcast_to(kinds[:, None], (*units.shape[:2], 1))
    return Posteriors(np.where(classes == 1, guesses, units), classes, np.zeros(units.shape[:2]))


def blank(units: Array, classes: Classes) -> Renders:
    """Scenes whose images nobody looks at."""
    images, boxes = np.zeros((IMAGES, 1, 1, 3), np.uint8), np.zeros((IMAGES, 1, 4), np.float32)
    return Renders(images, units, classes, boxes)


def spread_of_first(unknown: tuple[Unknown, ...]) -> float:
    """Of the first class, once corrected, over that of the target."""
    rng = stream(0, "test/rehearsal")
    kinds = np.arange(IMAGES)[:, None] % 2
    scenes = 0.5 + SPREAD * rng.standard_normal((IMAGES, 1))
    found = fit_population(read(scenes, kinds, rng), STRAIGHT, (2,), 0)
    units, classes = found.sample(rng, IMAGES)
    again = fit_population(read(units, classes, rng), STRAIGHT, (2,), 0)
    corrected = Rehearsal.of(found, blank(units, classes), again, unknown, 0).population
    values, of = replace(corrected, prior=Drawn(scenes, kinds)).sample(stream(0, "test/values"), 40 * IMAGES)
    return float(values[of[:, 0] == 0].std() / scenes[kinds[:, 0] == 0].std())


def test_classes_that_hide_an_attribute_do_not_correct_it() -> None:
    """Bound: five standard errors of a spread of half of the scenes, and 0.05 for what noise of posteriors
    and the shrinking of the correction leave."""
    error = 5 / IMAGES**0.5
    hidden = spread_of_first((Unknown(column=0, choice=0, kind=1),))
    assert hidden == pytest.approx(1.0, abs=error + 0.05)
    assert spread_of_first(()) < 1 - error - 0.05  # else this shows nothing


def test_classes_that_hide_one_attribute_correct_the_others() -> None:
    """Both classes tell the second attribute, one of them exactly: its spread comes back over both.

    Bound as above; corrected by the first class alone it would be a quarter too large."""
    rng = stream(0, "test/others")
    kinds = np.arange(IMAGES)[:, None] % 2
    scenes = 0.5 + SPREAD * rng.standard_normal((IMAGES, 2))

    def found(units: Array, classes: Classes) -> Posteriors:
        first = read(units[:, :1], classes, rng)
        exact = units[:, None, 1:] + NOISE * rng.standard_normal((IMAGES, DRAWS, 1))
        second = np.where(first.classes == 1, exact, read(units[:, 1:], 0 * classes, rng).units)
        return replace(first, units=np.concatenate([first.units, second], -1))

    straight = np.array([False, False])
    inferred = fit_population(found(scenes, kinds), straight, (2,), 0)
    units, classes = inferred.sample(rng, IMAGES)
    again = fit_population(found(units, classes), straight, (2,), 0)
    unknown = (Unknown(column=0, choice=0, kind=1),)
    corrected = Rehearsal.of(inferred, blank(units, classes), again, unknown, 0).population
    values, _ = replace(corrected, prior=Drawn(scenes, kinds)).sample(stream(0, "test/values"), 40 * IMAGES)
    assert values[:, 1].std() / scenes[:, 1].std() == pytest.approx(1.0, abs=5 / (2 * IMAGES) ** 0.5 + 0.05)


def test_each_mode_of_an_angle_is_corrected_by_itself() -> None:
    """One mode is read a quarter of its spread off and too narrow, the other as it is; both have no one mean.

    Bounds: five standard errors of mean and spread of half of the scenes, and as above for what is left."""
    rng = stream(0, "test/modes")
    wraps = np.array([True])
    middle = np.array([0.1, 0.6])[np.arange(IMAGES) % 2]
    scenes = (middle + SPREAD * rng.standard_normal(IMAGES))[:, None]

    def found(units: Array) -> Posteriors:
        near = units < 0.35
        seen = np.where(near, 0.1 + SHRUNK * (units - 0.1) + SPREAD / 4, units)
        draws = seen[:, None] + NOISE * rng.standard_normal((IMAGES, DRAWS, 1))
        return Posteriors(draws, np.zeros((IMAGES, DRAWS, 0), np.int64), np.zeros(draws.shape[:2]))

    inferred = fit_population(found(scenes), wraps, (), 0)
    units, classes = inferred.sample(rng, IMAGES)
    again = fit_population(found(units), wraps, (), 0)
    corrected = Rehearsal.of(inferred, blank(units, classes), again, (), 0).population
    values = corrected.sample(stream(0, "test/values"), 40 * IMAGES)[0][:, 0]
    for low, high, mean in ((0.0, 0.35, 0.1), (0.35, 0.9, 0.6)):
        mode = values[(values > low) & (values < high)]
        assert abs(mode.mean() - mean) < 5 * SPREAD / (IMAGES / 2) ** 0.5 + 0.05 * SPREAD
        assert mode.std() / SPREAD == pytest.approx(1.0, abs=5 / IMAGES**0.5 + 0.05)


def test_scenes_read_upside_down_do_not_move_the_others() -> None:
    """Seven of a hundred lie half a turn away, all are read a spread too far on, and both come back.

    Half a turn from the mean, offsets of like scenes have either sign, which moved all by degrees.
    Bounds: five standard errors, and as above for what is left."""
    rng = stream(0, "test/upside down")
    wraps = np.array([True])
    kinds = rng.permutation(np.arange(IMAGES) < 0.07 * IMAGES)[:, None].astype(np.int64)
    scenes = 0.7 + 0.5 * kinds + SPREAD * rng.standard_normal((IMAGES, 1))

    def found(units: Array, kinds: Classes) -> Posteriors:
        draws = units[:, None] + SPREAD + NOISE * rng.standard_normal((IMAGES, DRAWS, 1))
        classes = np.broadcast_to(kinds[:, None], (IMAGES, DRAWS, 1))
        return Posteriors(np.mod(draws, 1.0), classes, np.zeros(draws.shape[:2]))

    inferred = fit_population(found(scenes, kinds), wraps, (2,), 0)
    units, classes = inferred.sample(rng, IMAGES)
    again = fit_population(found(units, classes), wraps, (2,), 0)
    corrected = Rehearsal.of(inferred, blank(units, classes), again, (), 0).population
    values, of = corrected.sample(stream(0, "test/values"), 40 * IMAGES)
    for kind, mean, share in ((0, 0.7, 0.93), (1, 0.2, 0.07)):
        away = values[of[:, 0] == kind, 0] - mean
        away -= np.round(away)
        assert abs(away.mean()) < 5 * SPREAD / (share * IMAGES) ** 0.5 + 0.05 * SPREAD
        assert away.std() / SPREAD == pytest.approx(1.0, abs=5 / (2 * share * IMAGES) ** 0.5 + 0.05)


def test_what_is_not_known_of_a_class_moves_nothing_else() -> None:
    """A correction that mixes two attributes leaves the second as far from its mean as it is by itself."""
    rng = stream(0, "test/mixed")
    units = np.stack([rng.uniform(0, 1, (IMAGES, 1)), 0.5 + SPREAD * rng.standard_normal((IMAGES, 1))], -1)
    classes = np.ones((IMAGES, 1, 1), np.int64)
    given = Posteriors(units, classes, np.zeros((IMAGES, 1)))
    found = fit_population(given, np.array([False, False]), (2,), 0)
    mixing = np.array([[1.0, 0.5], [0.5, 1.2]])
    correction = Correction(np.array([0.5, 0.5]), mixing, np.zeros(2), np.array([False, False]))
    known = replace(
        found, correction=correction, unknown=(Unknown(0, 0, 1),), prior=Drawn(units[:, 0], classes[:, 0])
    )
    corrected = known.corrected(units[:, 0], classes[:, 0])
    np.testing.assert_allclose(corrected[:, 1] - 0.5, 1.2 * (units[:, 0, 1] - 0.5), atol=1e-12)
    blind = replace(known, unknown=())
    assert blind.corrected(units[:, 0], classes[:, 0])[:, 1].std() > 3 * SPREAD  # else this shows nothing
