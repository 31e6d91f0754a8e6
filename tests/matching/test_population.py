"""The population is recovered where the posterior of every image is known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from known_posteriors import DRAWS, Normal, no_classes, posteriors
from matching_scenes import one_normal

from metasim.base.streams import stream
from metasim.matching.mixture import Draws, Mixture, climbed, fit_mixture
from metasim.matching.population import Population, Posteriors, Unknown, fit_population
from metasim.scene.layout import Array, Classes, Drawn
from metasim.stats.moments import mean_std

IMAGES = 300
ALL = np.ones(IMAGES, bool)


def population(given: Posteriors, periodic: tuple[bool, ...], sizes: tuple[int, ...] = ()) -> Population:
    return fit_population(given, np.array(periodic), sizes, 0)


def components(found: Population) -> int:
    return len(found.law.mixture.weights)


def many(found: Population) -> tuple[Array, Classes]:
    return found.sample(stream(0, "test/sample"), 200 * len(found.weights))


def correlated(seed: int, rho: float = 0.7) -> Array:
    rng = stream(seed, "test/truth")
    a, b = rng.standard_normal((2, IMAGES))
    return np.column_stack([0.4 + 0.06 * a, 0.6 + 0.1 * (rho * a + (1 - rho**2) ** 0.5 * b)])


@pytest.mark.parametrize("bank", [Normal(), Normal(0.75, 0.15), Normal(0.2, 0.2)])
@pytest.mark.parametrize("noise", [0.02, 0.08])
def test_mean_spread_and_correlation_come_back(noise: float, bank: Normal) -> None:
    """Whatever the bank's own law. Errors are those of the means and products of noisy observations."""
    found = population(posteriors(correlated(0), noise, bank, 0), (False, False))
    units, _ = many(found)
    total = np.array([0.06, 0.1]) ** 2 + noise**2
    error = 4 * (total / IMAGES) ** 0.5
    assert (np.abs(units.mean(0) - [0.4, 0.6]) < error).all()
    covariance = np.cov(units.T)
    expected = np.array([[0.06**2, 0.7 * 0.006], [0.7 * 0.006, 0.1**2]])
    error = 4 * ((np.outer(total, total) + expected**2) / IMAGES) ** 0.5
    assert (np.abs(covariance - expected) < error).all()
    assert np.corrcoef(units.T)[0, 1] == pytest.approx(0.7, abs=0.12 if noise < 0.05 else 0.3)


def test_a_lopsided_bank_would_mislead_without_its_density() -> None:
    given = posteriors(correlated(0), 0.08, Normal(0.75, 0.15), 0)
    blind = replace(given, log_bank=np.zeros_like(given.log_bank))
    fair, misled = (many(population(p, (False, False)))[0].mean(0) for p in (given, blind))
    assert abs(fair[0] - 0.4) < 0.02 < 0.04 < misled[0] - 0.4


@pytest.mark.parametrize("seed", range(4))
def test_two_modes_keep_their_places_and_weights(seed: int) -> None:
    rng = stream(seed, "test/truth")
    side = rng.random(IMAGES) < 0.7
    truth = np.where(side, 0.65, 0.35)[:, None] + 0.03 * rng.standard_normal((IMAGES, 1))
    found = population(posteriors(truth, 0.04, Normal(), seed), (False,))
    units, _ = many(found)
    assert components(found) >= 2
    assert (units > 0.5).mean() == pytest.approx(side.mean(), abs=0.01)  # no image can be of both
    for mode, centre in ((units > 0.5, 0.65), (units < 0.5, 0.35)):
        seen = 0.05 / (mode.mean() * IMAGES) ** 0.5  # standard error of what the noise leaves
        assert units[mode].mean() == pytest.approx(centre, abs=4 * seen)
        assert units[mode].std() == pytest.approx(0.03, abs=4 * seen)
        assert units[mode].std() < 0.045  # the noise is taken out


def test_one_mode_is_not_torn_apart() -> None:
    """The simplest law that explains the images is kept, at least nearly always."""
    found = [population(posteriors(correlated(s)[:150], 0.04, Normal(), s), (False, False)) for s in range(5)]
    assert sorted(components(f) for f in found)[2] == 1


def circle(centre: float) -> Posteriors:
    rng = stream(0, "test/circle")
    truth = centre + 0.05 * rng.standard_normal((IMAGES, 1))
    seen = truth + 0.05 * rng.standard_normal(truth.shape)
    units = np.mod(seen[:, None] + 0.05 * rng.standard_normal((IMAGES, DRAWS, 1)), 1.0)
    return Posteriors(units, no_classes(units), np.zeros(units.shape[:2]))


@pytest.mark.parametrize("centre", [0.0, 0.1, 0.5, 0.97])
def test_an_angle_comes_back_wherever_its_circle_is_cut(centre: float) -> None:
    units, _ = many(population(circle(centre), (True,)))
    mean, std = mean_std(units[:, 0], 1.0)
    off = mean - centre
    assert off - round(off) == pytest.approx(0, abs=4 * 0.07 / IMAGES**0.5)
    assert std == pytest.approx(0.05, abs=4 * 0.05 * 2 / (2 * IMAGES) ** 0.5)


def test_only_images_that_tell_a_half_turn_speak_against_it() -> None:
    """The same law, once of draws that tell it and once of draws of which half are turned round."""
    told = population(circle(0.3), (True,))
    turns = 0.5 * stream(0, "test/turns").integers(2, size=told.posteriors.units.shape)
    draws = replace(told.posteriors, units=(told.posteriors.units + turns) % 1)
    spoken, silent = (each.turned_gain(0, 0.5) for each in (told, replace(told, posteriors=draws)))
    assert spoken.mean() > 5
    assert abs(silent.mean()) < 3 * silent.std() / len(silent) ** 0.5


CONFUSION = np.array([[0.7, 0.2, 0.1], [0.25, 0.6, 0.15], [0.1, 0.2, 0.7]])  # what is seen of each class
FREQUENCIES = np.array([0.7, 0.1, 0.2])


def seen_classes(truth: Classes, seed: int) -> Classes:
    """(M, S) draws of each image's class given what a poor eye has seen, all classes equally likely."""
    rng = stream(seed, "test/confusion")
    seen = (rng.random(len(truth))[:, None] > CONFUSION[truth].cumsum(1)).sum(1)
    belief = (CONFUSION / CONFUSION.sum(0)).T[seen]
    return (rng.random((len(truth), DRAWS, 1)) > belief.cumsum(1)[:, None]).sum(-1)


def test_class_frequencies_come_back_under_confusion() -> None:
    """The error is at most that of the inverted confusion matrix; a mere average of beliefs is worse."""
    count, seed = 600, 0
    rng = stream(seed, "test/truth")
    truth = rng.choice(3, count, p=FREQUENCIES)
    given = posteriors(0.5 + 0.05 * rng.standard_normal((count, 1)), 0.03, Normal(), seed)
    kinds = seen_classes(truth, seed)
    given = replace(given, classes=kinds[..., None])
    found = population(given, (False,), (3,))
    _, classes = many(found)
    learnt = np.bincount(classes[:, 0], minlength=3) / len(classes)
    seen = FREQUENCIES @ CONFUSION
    spread = np.linalg.inv(CONFUSION).T @ (np.diag(seen) - np.outer(seen, seen)) @ np.linalg.inv(CONFUSION)
    error = 4 * np.sqrt(np.diag(spread) / count)
    assert (np.abs(learnt - FREQUENCIES) < error).all()
    naive = np.bincount(kinds.ravel(), minlength=3) / kinds.size
    assert np.abs(naive - FREQUENCIES).max() > 2 * np.abs(learnt - FREQUENCIES).max()
    assert found.law.mixture.shared


def with_classes(shift: float, seed: int) -> Posteriors:
    rng = stream(seed, "test/truth")
    truth = rng.choice(3, IMAGES, p=FREQUENCIES)
    place = 0.5 + shift * (truth - 1) + 0.04 * rng.standard_normal(IMAGES)
    given = posteriors(place[:, None], 0.05, Normal(), seed)
    return replace(given, classes=seen_classes(truth, seed)[..., None])


def test_classes_matter_when_attributes_depend_on_them() -> None:
    found = population(with_classes(0.2, 0), (False,), (3,))
    assert not found.law.mixture.shared
    units, classes = many(found)
    means = [units[classes[:, 0] == c].mean() for c in range(3)]
    error = 4 * np.sqrt((0.04**2 + 0.05**2) / (IMAGES * FREQUENCIES)) / np.diag(CONFUSION)
    assert (np.abs(np.array(means) - [0.3, 0.5, 0.7]) < error).all()


def test_classes_do_not_matter_when_attributes_ignore_them() -> None:
    """Nearly always; where they wrongly do, the law is hardly another."""
    found = [population(with_classes(0.0, seed), (False,), (3,)) for seed in range(5)]
    assert sum(not f.law.mixture.shared for f in found) <= 1


def test_weights_of_each_image_sum_to_one_and_images_are_drawn_equally_often() -> None:
    given = posteriors(correlated(0)[:100], 0.05, Normal(), 0)
    given.units[..., 0] = np.arange(100)[:, None]  # says whose draw it is
    found = Population(given, stream(0, "test/weights").dirichlet(np.ones(DRAWS), 100), one_normal(2), ALL)
    units, _ = found.sample(stream(0, "test/sample"), 2000)
    assert (np.bincount(units[:, 0].astype(int), minlength=100) == 20).all()


def test_draws_of_an_image_come_as_often_as_they_weigh() -> None:
    units = np.arange(4.0).reshape(1, 4, 1)
    weights = np.array([[0.1, 0.2, 0.0, 0.7]])
    found = Population(Posteriors(units, no_classes(units), np.zeros((1, 4))), weights, one_normal(1), ALL)
    drawn, _ = found.sample(stream(0, "test/sample"), 10_000)
    counts = np.bincount(drawn[:, 0].astype(int), minlength=4)
    assert counts[2] == 0
    assert scipy.stats.chisquare(counts[[0, 1, 3]], 10_000 * weights[0, [0, 1, 3]]).pvalue > 1e-4


def test_flat_weights_undo_the_bank() -> None:
    """Under them draws of a lopsided bank's posterior have the mean that the image shows."""
    truth, noise = np.full((200, 1), 0.4), 0.1
    given = posteriors(truth, noise, Normal(0.8, 0.3), 0)
    weights = given.flat_weights()
    np.testing.assert_allclose(weights.sum(1), 1)
    fair = (weights[..., None] * given.units).sum(1).mean()
    error = 4 * noise / np.sqrt(200)
    assert fair == pytest.approx(0.4, abs=error)
    assert given.units.mean() > 0.4 + error


def test_modes_of_one_attribute_do_not_drown_among_wide_others() -> None:
    """Whatever clusters of all attributes together look like."""
    rng = stream(0, "test/drowned")
    first = rng.random(IMAGES) < 0.6
    truth = rng.random((IMAGES, 7)) * 0.8 + 0.1
    truth[:, 3] = np.where(first, 0.3, 0.6) + 0.02 * rng.standard_normal(IMAGES)
    given = posteriors(truth, 0.02, Normal(), 0)
    for seed in range(4):
        found = fit_population(given, np.zeros(7, bool), (), seed)
        assert components(found) >= 2
        means = np.sort(found.law.mixture.means[:, 3])
        assert means[0] == pytest.approx(0.3, abs=0.01)
        assert means[-1] == pytest.approx(0.6, abs=0.01)


def test_every_step_of_em_makes_the_images_likelier(monkeypatch: pytest.MonkeyPatch) -> None:
    given = posteriors(correlated(0)[:80], 0.08, Normal(0.75, 0.15), 0)
    draws = Draws(given.units, given.classes, given.log_bank, ())
    monkeypatch.setattr("metasim.matching.mixture.SHORT_RUN", 0)
    likelihoods = []
    for iterations in (0, 1, 2, 4, 8, 16):
        monkeypatch.setattr("metasim.matching.mixture.ITERATIONS", iterations)
        law = fit_mixture(draws, given.flat_weights(), 3, True, 0)
        likelihoods.append(law.log_likelihoods(draws).mean())
    assert (np.diff(likelihoods) > -1e-6).all()
    assert likelihoods[-1] > likelihoods[0] + 0.1


def turned(share: float, seed: int = 0) -> Posteriors:
    """A narrow angle that is read half a turn off in some images, of either class alike."""
    rng = stream(seed, "test/turned")
    truth = np.array([0.3, 0.5]) + np.array([0.03, 0.1]) * rng.standard_normal((IMAGES, 2))
    truth[: round(share * IMAGES), 0] += 0.5
    given = posteriors(rng.permutation(truth), 0.01, Normal(), 0)
    classes = np.broadcast_to(rng.integers(2, size=(IMAGES, 1, 1)), (IMAGES, DRAWS, 1))
    return replace(given, classes=classes)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("misread", [0.0, 0.003, 0.01])
def test_a_few_images_read_upside_down_change_nothing(misread: float, seed: int) -> None:
    """Neither the spread, nor the form of the law, be they among those that choose it or not."""
    found = population(turned(misread, seed), (True, False), (2,))
    units, _ = many(found)
    assert (~found.read).sum() == round(misread * IMAGES)
    assert components(found) == 1
    # Five standard errors of a spread of 300 images, and what noise and the least spread add to it.
    assert mean_std(units[:, 0], 1.0).std == pytest.approx(
        (0.03**2 + 0.01**2) ** 0.5, rel=5 / (2 * IMAGES) ** 0.5
    )


def test_a_mode_of_many_images_is_no_misreading() -> None:
    found = population(turned(0.1), (True, False), (2,))
    units, _ = many(found)
    assert found.read.all()
    assert (np.abs(units[:, 0] - 0.8) < 0.15).mean() == pytest.approx(0.1, abs=0.005)


def test_what_images_do_not_tell_keeps_its_prior_law() -> None:
    """The first attribute of the second class is drawn from its own prior, all else from the images."""
    rng = stream(0, "test/unknown")
    units = 0.5 + 0.1 * rng.standard_normal((400, 1, 2))
    classes = rng.integers(2, size=(400, 1, 1))
    sort = np.arange(1000)[:, None] % 2
    prior = 0.1 + 0.1 * sort + 0.01 * rng.standard_normal((1000, 2))
    found = Population(
        Posteriors(units, classes, np.zeros((400, 1))),
        np.ones((400, 1)),
        one_normal(2),
        np.ones(400, bool),
        unknown=(Unknown(0, 0, 1),),
        prior=Drawn(prior, sort),
    )
    drawn, kinds = found.sample(rng, 4000)
    blind = kinds[:, 0] == 1
    own = prior[sort[:, 0] == 1, 0]
    assert np.isin(drawn[blind, 0], own).all()
    assert scipy.stats.ks_2samp(drawn[blind, 0], own).pvalue > 1e-4  # pyright: ignore
    assert np.isin(drawn[~blind, 0], units[..., 0]).all()
    assert np.isin(drawn[:, 1], units[..., 1]).all()


def test_what_images_do_not_tell_keeps_the_ties_of_its_prior() -> None:
    """The two attributes of one class that no image tells are drawn of one scene."""
    rng = stream(0, "test/ties")
    units, classes = rng.random((50, 1, 3)), rng.integers(2, size=(50, 1, 1))
    prior = np.repeat(rng.random((200, 1)), 3, axis=1)
    found = Population(
        Posteriors(units, classes, np.zeros((50, 1))),
        np.ones((50, 1)),
        one_normal(3),
        np.ones(50, bool),
        unknown=(Unknown(0, 0, 1), Unknown(2, 0, 1)),
        prior=Drawn(prior, np.ones((200, 1), np.int64)),
    )
    drawn, kinds = found.sample(rng, 1000)
    blind = kinds[:, 0] == 1
    np.testing.assert_array_equal(drawn[blind, 0], drawn[blind, 2])
    assert not np.isclose(drawn[~blind, 0], drawn[~blind, 2]).any()


def test_seeds_may_be_as_large_as_any_number() -> None:
    rng = stream(0, "test/seeds")
    units = 0.5 + 0.1 * rng.standard_normal((40, 4, 1))
    given = Posteriors(units, np.zeros((40, 4, 0), np.int64), np.zeros((40, 4)))
    found = fit_population(given, np.array([False]), (), seed=2**64 + 1)
    assert found.sample(rng, 400)[0].mean() == pytest.approx(0.5, abs=4 * 0.1 / 160**0.5)


def test_an_image_that_no_law_explains_weighs_nothing() -> None:
    """Its chance of having been read underflows, and the law is that of the others."""
    near = 0.3 + 0.01 * stream(0, "test/unlikely").standard_normal((60, 8, 1))
    far = np.concatenate([near, np.full((1, 8, 1), 0.9)])
    mixture = Mixture(np.ones(1), np.array([[0.3]]), np.array([[[0.01]]]), (), True)
    alone, beside = (
        climbed(mixture, Draws(points, np.zeros((*points.shape[:2], 0), np.int64), flat, ()), 5)
        for points, flat in ((part, np.zeros(part.shape[:2])) for part in (near, far))
    )
    np.testing.assert_allclose(beside.means, alone.means, rtol=1e-12)
    np.testing.assert_allclose(beside.factors, alone.factors, rtol=1e-12)
