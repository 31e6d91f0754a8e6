"""A network that takes some images of one mode for the other does not change how much lies in each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from metasim.base.streams import stream
from metasim.matching.bank import Renders
from metasim.matching.population import Population, Posteriors, Unknown, fit_population
from metasim.matching.shares import fair_weights
from metasim.scene.layout import Array, Classes

IMAGES, DRAWS, NOISE = 2000, 16, 0.01
FIRST, SECOND = 0.2, 0.7
PERIODIC: npt.NDArray[np.bool_] = np.array([True])


def truth(share: float, rng: np.random.Generator) -> Array:
    modes = np.where(np.arange(IMAGES) < share * IMAGES, FIRST, SECOND)
    return (modes + 0.03 * rng.standard_normal(IMAGES))[:, None]


def read(scenes: Array, mistaken: float, rng: np.random.Generator) -> Posteriors:
    """What a network makes of renders of scenes: it is sure, and some of the first mode go to the second."""
    wrong = (np.abs(scenes[:, 0] - FIRST) < 0.25) & (rng.random(len(scenes)) < mistaken)
    seen = scenes + np.where(wrong, SECOND - FIRST, 0.0)[:, None]
    units = seen[:, None] + NOISE * rng.standard_normal((len(scenes), DRAWS, 1))
    return Posteriors(units, none(units), np.zeros(units.shape[:2]))


def none(units: Array) -> Classes:
    return np.zeros((*units.shape[:-1], 0), np.int64)


def renders(units: Array, classes: Classes) -> Renders:
    """Scenes whose images nobody looks at."""
    n = len(units)
    return Renders(np.zeros((n, 1, 1, 3), np.uint8), units, classes, np.zeros((n, 1, 4), np.float32))


def share_of_first(population: Population) -> float:
    units, _ = population.sample(stream(0, "test/share"), 40 * IMAGES)
    return float((np.abs(units[:, 0] - FIRST) < 0.25).mean())


def rehearsed(share: float, mistaken: float) -> tuple[Population, Population]:
    """A population inferred of a target, and the same with fair weights."""
    rng = stream(0, "test/images")
    found = fit_population(read(truth(share, rng), mistaken, rng), PERIODIC, (), 0)
    drawn, kinds = found.sample(rng, IMAGES)
    again = fit_population(read(drawn, mistaken, rng), PERIODIC, (), 0)
    return found, replace(found, weights=fair_weights(found, renders(drawn, kinds), again, ()))


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_shares_of_misread_modes_come_back(share: float) -> None:
    """Bound: four standard errors of the counts of mistakes in target and rehearsal, and what the
    correction, of first order, leaves: a tenth of a tenth."""
    mistaken = 0.1
    found, fair = rehearsed(share, mistaken)
    bound = 4 * np.sqrt(2 * share * mistaken / IMAGES) + share * mistaken**2
    assert share_of_first(found) == pytest.approx(share * (1 - mistaken), abs=bound)
    assert share_of_first(fair) == pytest.approx(share, abs=bound)
    assert abs(share_of_first(fair) - share) < 0.4 * abs(share_of_first(found) - share)


def test_where_nothing_is_misread_nothing_changes() -> None:
    found, fair = rehearsed(0.6, 0.0)
    np.testing.assert_allclose(fair.weights, found.weights, rtol=1e-3)


def test_weights_add_up_to_the_images() -> None:
    _, fair = rehearsed(0.6, 0.1)
    assert fair.weights.sum() == pytest.approx(len(fair.weights))
    assert (fair.weights >= 0).all()


def hidden_in_the_second_class(
    given: Posteriors, scenes: Classes, first: float, rng: np.random.Generator
) -> Posteriors:
    """Every other object is round, and its mode is guessed."""
    units = given.units.copy()
    guesses = np.where(rng.random(len(scenes)) < first, FIRST, SECOND)[scenes == 1]
    units[scenes == 1] = guesses[:, None, None] + 0.03 * rng.standard_normal(units[scenes == 1].shape)
    classes = np.broadcast_to(scenes[:, None, None], (*units.shape[:2], 1))
    return Posteriors(units, classes, given.log_bank)


def test_classes_that_hide_an_attribute_move_no_shares() -> None:
    rng = stream(0, "test/images")
    scenes = np.arange(IMAGES) % 2
    given = hidden_in_the_second_class(read(truth(0.6, rng), 0.0, rng), scenes, 0.6, rng)
    found = fit_population(given, PERIODIC, (2,), 0)
    drawn, kinds = found.sample(rng, IMAGES)
    again = fit_population(
        hidden_in_the_second_class(read(drawn, 0.0, rng), kinds[:, 0], 1.0, rng), PERIODIC, (2,), 0
    )
    unknown = Unknown(column=0, choice=0, kind=1)
    shares = []
    for told in ((unknown,), ()):
        fair = replace(found, weights=fair_weights(found, renders(drawn, kinds), again, told))
        units, classes = fair.sample(stream(0, "test/share"), 40 * IMAGES)
        shares.append((np.abs(units[classes[:, 0] == 0, 0] - FIRST) < 0.25).mean())
    assert shares[0] == pytest.approx(0.6, abs=0.005)
    assert abs(shares[1] - 0.6) > 0.015  # else this shows nothing


def test_where_nothing_is_told_nothing_changes() -> None:
    found, _ = rehearsed(0.6, 0.1)
    drawn, kinds = found.sample(stream(0, "test/drawn"), IMAGES)
    fair = fair_weights(found, renders(drawn, kinds), found, (Unknown(0),))
    np.testing.assert_array_equal(fair, found.weights)


def test_a_mode_without_any_share_keeps_it() -> None:
    """A component so far from all draws that its chance underflows."""
    found, _ = rehearsed(0.6, 0.1)
    law = found.law.mixture
    sharp = replace(
        law,
        weights=np.append(law.weights, 1e-6),
        means=np.append(law.means, [[100.0]], axis=0),
        factors=np.append(law.factors, [[[0.01]]], axis=0),
    )
    drawn, kinds = found.sample(stream(0, "test/drawn"), IMAGES)
    again = fit_population(read(drawn, 0.1, stream(0, "test/images")), PERIODIC, (), 0)
    widened = replace(found, law=replace(found.law, mixture=sharp))
    fair = fair_weights(widened, renders(drawn, kinds), again, ())
    np.testing.assert_allclose(fair, fair_weights(found, renders(drawn, kinds), again, ()), rtol=1e-9)
