"""The finding: one word for all the evidence, and words that say what differs."""

from __future__ import annotations

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.runs.summary import Comparison, Shift
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Column, SceneLayout
from metasim.verdict.finding import FOREIGN, conclude, unlike

SPECS = (AttributeSpec("x", "m", 0, 4, mutable=True), AttributeSpec("yaw", "deg", 0, 360, True, True))
LAYOUT = SceneLayout(tuple(Column("thing", "thing", spec) for spec in SPECS), (), ("thing",))
NOTHING = (0.01, 0.0)


def comparison(p_value: float = 0.5, c2st: float = 0.5) -> Comparison:
    return Comparison(
        n_target=100,
        n_generated=300,
        mmd2=0.0,
        mmd2_floor=0.0,
        p_value=p_value,
        c2st=c2st,
        c2st_ci=(c2st, c2st),
    )


def shifts(yaw: float = 0.5, difference: float | None = 1.5) -> dict[str, Shift]:
    found = Shift(difference=0.01, error=0.02, p_value=0.6, smallest=0.08, power=0.9)
    turned = Shift(
        difference=difference, error=difference and 0.4, p_value=yaw, smallest=difference and 1.3, power=None
    )
    return {"thing.x": found, "thing.yaw": turned}


def test_where_nothing_is_rejected_they_are_the_same_and_the_limit_is_named() -> None:
    finding, words = conclude(LAYOUT, comparison(), {"pixels": comparison()}, shifts(), 0.5, NOTHING)
    assert finding == "same"
    assert "0.08 m of thing.x" in words  # 2 % of its range; the yaw's 1.3 degrees are less


def test_an_attribute_that_moved_is_named_in_its_unit() -> None:
    finding, words = conclude(LAYOUT, comparison(0.001), {}, shifts(0.001), 0.5, NOTHING)
    assert finding == "attributes"
    assert "thing.yaw by +1.5 ± 0.4 deg" in words
    assert "thing.x" not in words


def test_a_spread_that_differs_is_said() -> None:
    finding, words = conclude(LAYOUT, comparison(), {}, shifts(), 0.001, NOTHING)
    assert finding == "attributes"
    assert "spreads or correlations" in words
    assert "appearance" not in words
    both = conclude(LAYOUT, comparison(), {"pixels": comparison(0.001)}, shifts(), 0.001, NOTHING)[1]
    assert "appearance differs too" in both


def test_images_that_differ_while_attributes_agree_differ_in_appearance() -> None:
    others = {"pixels": comparison(0.002, c2st=0.97)}
    finding, words = conclude(LAYOUT, comparison(), others, shifts(), 0.5, NOTHING)
    assert finding == "appearance"
    assert words.startswith("Attributes agree as far as they can be read")
    assert "97%" in words
    assert conclude(LAYOUT, comparison(0.001), {}, {}, None, None)[1].startswith("The appearance")


def test_one_small_p_value_among_many_is_no_finding() -> None:
    others = {name: comparison() for name in "abc"}
    assert conclude(LAYOUT, comparison(0.03), others, shifts(), 0.5, NOTHING)[0] == "same"


@pytest.mark.parametrize(
    ("bank", "p_value", "words"),
    [
        (0.5, 0.5, "the grammar cannot produce this target"),
        (0.0, 0.5, "the grammar cannot produce this target"),
        (0.0, 1e-4, "the match has failed, or the grammar cannot produce this target"),
    ],
)
def test_a_target_of_strangers_is_called_so_whatever_else(bank: float, p_value: float, words: str) -> None:
    looks = (2 * FOREIGN, bank)
    finding, said = conclude(LAYOUT, comparison(), {}, shifts(p_value), 0.5, looks)
    assert finding == "foreign"
    assert said.startswith("40% of the target images")
    assert words in said


def test_an_attribute_that_is_hardly_read_has_no_size() -> None:
    words = conclude(LAYOUT, comparison(), {}, shifts(1e-4, None), 0.5, NOTHING)[1]
    assert "thing.yaw, though it is hardly read" in words


def test_looks_are_unlike_in_units_of_the_renders_spread() -> None:
    """A feature that renders hardly vary counts as much as one that they vary widely."""
    rng = stream(0, "test/looks")
    renders, target = rng.standard_normal((2, 400, 6)) * [1e3, 1, 1, 1e-3, 1, 0]
    assert unlike(target, renders) < 0.05
    target[:, 3] += 0.02
    assert unlike(target, renders) == 1.0
    assert unlike(np.where(np.arange(400)[:, None] < 80, target, renders), renders) == pytest.approx(0.2)
