"""Identifiability: an attribute that the images of a class do not tell is named with that class."""

from __future__ import annotations

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Array, Choice, Classes, Column, SceneLayout
from metasim.stats.reading import multiple_means
from metasim.verdict.identifiability import FEW, Beliefs, Identifiability, all_identifiable, identify, spreads
from metasim.verdict.rereading import Reread

YAW = AttributeSpec("yaw", "deg", 0, 360, periodic=True, mutable=True)
X = AttributeSpec("x", "m", -1, 1, mutable=True)
LAYOUT = SceneLayout(
    (Column("thing", "thing", YAW), Column("thing", "thing", X), Column("light", "light", X)),
    (Choice("thing", ("shoe", "bowl", "mug")),),
    ("room", "thing", "light"),
)
IMAGES, DRAWS = 120, 80


def narrow(rng: np.random.Generator, centres: Array, width: float = 0.01) -> Array:
    return centres[:, None] + width * rng.standard_normal((len(centres), DRAWS))


def posteriors(kinds: Classes, round_bowls: bool) -> tuple[Array, Classes, Array]:
    """Narrow posteriors of everything, but the yaw of bowls is told by nothing."""
    rng = stream(0, "test/posteriors")
    centres = rng.random((3, len(kinds)))
    columns = np.stack([narrow(rng, c) for c in centres], axis=-1)
    columns[..., 0] %= 1.0
    if round_bowls:
        columns[kinds == 1, :, 0] = rng.random((int((kinds == 1).sum()), DRAWS))
    even = np.full((len(kinds), DRAWS), 1 / DRAWS)
    return columns, np.repeat(kinds[:, None, None], DRAWS, 1), even


KINDS = stream(0, "test/kinds").integers(3, size=IMAGES)


def test_the_yaw_of_a_round_bowl_is_named() -> None:
    units, classes, even = posteriors(KINDS, round_bowls=True)
    found = identify(LAYOUT, Beliefs(units, classes, even, even))
    assert found["thing.yaw"].classes_not_identifiable == found["thing.yaw"].untold == ("bowl",)
    assert found["thing.yaw"].identifiable  # by the other classes
    assert found["thing.yaw"].spread_identifiable
    for name in ("thing.x", "light.x"):
        assert found[name].classes_not_identifiable == ()
        assert found[name].identifiable


def test_all_is_identifiable_where_posteriors_are_narrow() -> None:
    units, classes, even = posteriors(KINDS, round_bowls=False)
    assert identify(LAYOUT, Beliefs(units, classes, even, even)) == all_identifiable(LAYOUT)


@pytest.mark.parametrize("fold", [2, 3, 4])
def test_what_looks_the_same_after_a_part_of_a_turn_is_told(fold: int) -> None:
    """It is determined if most known renders are read right, the law is at one place and images say so."""
    units, classes, even = posteriors(KINDS, round_bowls=False)
    truth, rng = units[:, 0].copy(), stream(0, "test/folds")
    turns = rng.integers(fold, size=units.shape[:2])
    units[KINDS == 1, :, 0] = (units[..., 0] + turns / fold)[KINDS == 1] % 1

    def bowl(wrong: float = 0.2, elsewhere: float = 1e-9, gain: float = 1.0) -> Identifiability:
        """Of the bowls so many known ones are read wrong, and so much of the weight lies elsewhere."""
        means = truth.copy()
        off = rng.integers(1, fold, IMAGES) / fold * ((rng.random(IMAGES) < wrong) & (KINDS == 1))
        means[:, 0] = (means[:, 0] + off) % 1
        weights = np.where((turns == 0) | (KINDS != 1)[:, None], 1.0, elsewhere)
        gains = gain + rng.standard_normal(IMAGES)
        fitted = weights / weights.sum(1, keepdims=True)
        bank = [Reread(truth, KINDS[:, None], multiple_means(means[:, None], LAYOUT.periodic))]
        beliefs = Beliefs(units, classes, even, fitted, lambda *_: gains)
        return identify(LAYOUT, beliefs, bank)["thing.yaw"]

    assert bowl().classes_not_identifiable == bowl().untold == ()
    for found in (bowl(wrong=0.9), bowl(elsewhere=0.25), bowl(elsewhere=1.0), bowl(gain=0.0)):
        assert found.classes_not_identifiable == ("bowl",)
        assert found.untold == ()


def test_where_only_bowls_are_seen_their_yaw_is_not_identifiable() -> None:
    kinds = np.ones(IMAGES, dtype=np.int64)
    units, classes, even = posteriors(kinds, round_bowls=True)
    found = identify(LAYOUT, Beliefs(units, classes, even, even))["thing.yaw"]
    assert not found.identifiable
    assert not found.spread_identifiable
    assert found.classes_not_identifiable == ("bowl",)


def test_a_few_images_of_a_class_decide_nothing() -> None:
    kinds = np.zeros(IMAGES, dtype=np.int64)
    kinds[: FEW - 1] = 1
    units, classes, even = posteriors(kinds, round_bowls=True)
    assert identify(LAYOUT, Beliefs(units, classes, even, even))["thing.yaw"].classes_not_identifiable == ()


def test_where_all_classes_have_few_images_these_decide() -> None:
    kinds = np.arange(2 * len(LAYOUT.choices[0].classes)) % len(LAYOUT.choices[0].classes)
    units, classes, even = posteriors(kinds, round_bowls=True)
    found = identify(LAYOUT, Beliefs(units, classes, even, even))
    assert found["thing.x"].identifiable
    assert found["thing.yaw"].classes_not_identifiable == ("bowl",)


def test_classes_that_do_not_tell_an_attribute_do_not_widen_the_law_it_is_held_against() -> None:
    """All shoes and mugs lie alike, as far as can be told; bowls may lie anywhere."""
    units, classes, even = posteriors(KINDS, round_bowls=True)
    alike = 0.5 + 0.05 * stream(0, "test/alike").standard_normal((IMAGES, DRAWS))
    units[KINDS != 1, :, 0] = alike[KINDS != 1]
    found = identify(LAYOUT, Beliefs(units, classes, even, even))["thing.yaw"]
    assert found.classes_not_identifiable == ("bowl",)
    assert found.identifiable
    assert not found.spread_identifiable


def test_misread_classes_do_not_drown_the_spread_of_others() -> None:
    units, classes, even = posteriors(KINDS, round_bowls=True)
    truth = units[:, 0]
    means = np.where((KINDS == 1)[:, None], stream(0, "test/guess").random(truth.shape), truth)
    fresh = Reread(truth, KINDS[:, None], multiple_means(means[:, None], LAYOUT.periodic))
    bowls = np.repeat(KINDS == 1, 4)  # most of what is generated
    more = Reread(
        np.concatenate([truth, np.repeat(truth, 4, 0)[bowls]]),
        np.concatenate([KINDS, np.repeat(KINDS, 4)[bowls]])[:, None],
        np.concatenate([fresh.multiples, np.repeat(fresh.multiples, 4, 0)[bowls]]),
    )
    assert identify(LAYOUT, Beliefs(units, classes, even, even), (), more)["thing.yaw"].spread_identifiable


def test_an_attribute_of_a_node_without_choice_has_no_classes() -> None:
    units, classes, even = posteriors(KINDS, round_bowls=False)
    units[..., 2] = stream(0, "test/wide").random((IMAGES, DRAWS))
    found = identify(LAYOUT, Beliefs(units, classes, even, even))["light.x"]
    assert found.classes_not_identifiable == ()
    assert found.untold == ("",)
    assert not found.identifiable


def test_a_spread_narrower_than_the_posteriors_is_not_told_by_the_images() -> None:
    """All images look the same and their posteriors are as wide as all of them together."""
    units, classes, even = posteriors(KINDS, round_bowls=False)
    units[..., 2] = 0.5 + 0.05 * stream(0, "test/same").standard_normal((IMAGES, DRAWS))
    found = identify(LAYOUT, Beliefs(units, classes, even, even))["light.x"]
    assert found.identifiable
    assert not found.spread_identifiable


def test_weights_count_and_not_draws_alone() -> None:
    """Draws all over the range, but for the flat prior only those near the image's value weigh."""
    units, classes, even = posteriors(KINDS, round_bowls=False)
    rng = stream(0, "test/weights")
    units[..., 2] = rng.random((IMAGES, DRAWS))
    weights = np.exp(-0.5 * ((units[..., 2] - rng.random((IMAGES, 1))) / 0.02) ** 2) + 1e-12
    weights /= weights.sum(1, keepdims=True)
    assert identify(LAYOUT, Beliefs(units, classes, weights, weights))["light.x"].identifiable
    assert not identify(LAYOUT, Beliefs(units, classes, even, weights))["light.x"].identifiable


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("width", [0.01, 0.05])
def test_spreads_of_narrow_posteriors_are_standard_deviations(periodic: bool, width: float) -> None:
    rng = stream(0, "test/spreads")
    values = narrow(rng, np.full(4000, 0.5), width)
    even = np.full(values.shape, 1 / DRAWS)
    assert np.sqrt((spreads(values, even, periodic) ** 2).mean()) == pytest.approx(width, rel=0.05)


def test_spreads_of_angles_do_not_see_where_the_circle_ends() -> None:
    values = narrow(stream(0, "test/spreads"), np.zeros(50), 0.05)
    even = np.full(values.shape, 1 / DRAWS)
    np.testing.assert_allclose(spreads(values % 1, even, True), spreads((values + 0.3) % 1, even, True))
    assert (spreads(values % 1, even, False) > 0.3).all()


def test_no_angle_is_spread_wider_than_evenly() -> None:
    values = (np.arange(DRAWS) / DRAWS)[None]
    even = np.full(values.shape, 1 / DRAWS)
    assert spreads(values, even, True) == pytest.approx(12**-0.5)
    assert spreads(values, even, False) == pytest.approx(12**-0.5, rel=1e-3)
