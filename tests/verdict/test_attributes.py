"""Attribute errors: in the attribute's unit, over the classes that tell it, beside their floor."""

from __future__ import annotations

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.runs.population import Populations
from metasim.runs.summary import Summary
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Choice, Column, Drawn, SceneLayout
from metasim.stats.moments import MomentErrors, mean_std
from metasim.stats.wasserstein import circular_wasserstein, wasserstein
from metasim.verdict.attributes import attribute_results, class_shares, correlations, distance
from metasim.verdict.identifiability import Identifiability, all_identifiable
from metasim.verdict.judge import FeatureSets, Material, judge

YAW = AttributeSpec("yaw", "deg", -90, 270, periodic=True, mutable=True)
X = AttributeSpec("x", "m", -1, 3, mutable=True)
LAYOUT = SceneLayout(
    (Column("thing", "thing", YAW), Column("thing", "thing", X), Column("light", "light", X)),
    (Choice("thing", ("shoe", "bowl")),),
    ("room", "thing", "light"),
)
KNOWN = all_identifiable(LAYOUT)
COUNT = 1000
ERRORS = MomentErrors(np.array([0.01, 0.02, 0.03]), np.array([0.001, 0.002, 0.003]), np.full((3, 3), 0.03))


def drawn(index: int, shift: float = 0.0, bowl_yaw: float = 0.0) -> Drawn:
    """Narrow yaw and correlated places; the yaw of bowls may lie elsewhere."""
    rng = stream(index, "test/drawn")
    a, b, c = rng.standard_normal((3, COUNT))
    kinds = (rng.random(COUNT) < 0.4).astype(np.int64)
    yaw = 0.5 + shift + bowl_yaw * kinds + 0.02 * c
    units = np.column_stack([yaw % 1, 0.4 + shift + 0.05 * a, 0.5 + 0.05 * (0.6 * a + 0.8 * b)])
    return Drawn(units.clip(0, 1), kinds[:, None])


def test_moments_are_in_the_attribute_s_unit() -> None:
    results = attribute_results(LAYOUT, KNOWN, drawn(0, 0.1), drawn(1), None)
    yaw, x = results["thing.yaw"], results["thing.x"]
    assert (yaw.unit, yaw.range, yaw.periodic, x.periodic) == ("deg", (-90, 270), True, False)
    bound = 4 / COUNT**0.5
    assert yaw.prior.mean == pytest.approx(0.6 * 360 - 90, abs=7.2 * bound)
    assert yaw.generated.std == pytest.approx(7.2, rel=bound)
    assert x.prior.mean == pytest.approx(0.5 * 4 - 1, abs=0.2 * bound)
    assert x.generated.std == pytest.approx(0.2, rel=bound)
    assert yaw.target is yaw.w1 is yaw.w1_prior is yaw.w1_floor is None


def test_errors_are_over_the_range_and_half_the_period() -> None:
    results = attribute_results(LAYOUT, KNOWN, drawn(0, 0.1), drawn(1), (drawn(2), drawn(3)))
    yaw, x, light = (results[name] for name in ("thing.yaw", "thing.x", "light.x"))
    assert yaw.w1_prior == pytest.approx(0.2, abs=0.01)  # a tenth of the circle is a fifth of half of it
    assert x.w1_prior == pytest.approx(0.1, abs=0.01)
    for result in (yaw, x, light):
        assert result.w1 is not None
        assert result.w1_floor is not None
        assert 0 < result.w1 < 0.02
        assert 0.2 < result.w1 / result.w1_floor < 5


def test_the_floor_is_the_distance_of_two_targets() -> None:
    truth = drawn(2), drawn(3)
    result = attribute_results(LAYOUT, KNOWN, drawn(0), drawn(1), truth)["thing.x"]
    assert result.w1_floor == distance(X, truth[0].units[:, 1], truth[1].units[:, 1])
    again = attribute_results(LAYOUT, KNOWN, drawn(0), drawn(1, 0.3), truth)["thing.x"]
    assert again.w1_floor == result.w1_floor


def test_classes_that_do_not_tell_are_left_out() -> None:
    """The generator's bowls are turned the wrong way, which no image shows."""
    truth = drawn(2), drawn(3)
    round_bowls = KNOWN | {"thing.yaw": Identifiability(("bowl",), True, True)}
    wrong = attribute_results(LAYOUT, KNOWN, drawn(0), drawn(1, bowl_yaw=0.3), truth)["thing.yaw"]
    fair = attribute_results(LAYOUT, round_bowls, drawn(0), drawn(1, bowl_yaw=0.3), truth)["thing.yaw"]
    assert wrong.w1 == pytest.approx(0.4 * 0.6, abs=0.04)
    assert fair.w1 is not None
    assert fair.w1 < 0.02
    assert fair.classes_not_identifiable == ["bowl"]
    shoes = drawn(1).classes[:, 0] == 0
    assert fair.generated.std == pytest.approx(360 * drawn(1).units[shoes, 0].std(), rel=1e-2)


def test_where_no_class_tells_all_are_reported() -> None:
    hidden = KNOWN | {"thing.yaw": Identifiability(("shoe", "bowl"), False, False)}
    truth = drawn(2), drawn(3)
    ours = attribute_results(LAYOUT, hidden, drawn(0), drawn(1), truth)["thing.yaw"]
    plain = attribute_results(LAYOUT, KNOWN, drawn(0), drawn(1), truth)["thing.yaw"]
    assert not ours.identifiable
    assert (ours.w1, ours.generated) == (plain.w1, plain.generated)


def test_correlations_of_all_pairs() -> None:
    found = {(c.a, c.b): c for c in correlations(LAYOUT, KNOWN, drawn(0), drawn(1))}
    assert set(found) == {
        ("thing.yaw", "thing.x"),
        ("thing.yaw", "light.x"),
        ("thing.x", "light.x"),
    }
    bound = 4 / COUNT**0.5
    assert found["thing.x", "light.x"].generated == pytest.approx(0.6, abs=bound)
    assert found["thing.x", "light.x"].target == pytest.approx(0.6, abs=bound)
    assert found["thing.yaw", "thing.x"].generated == pytest.approx(0, abs=bound)


def test_classes_that_do_not_tell_are_left_out_of_correlations() -> None:
    """The yaw of bowls follows their place, which no image shows."""
    ours = drawn(0)
    bowls = ours.classes[:, 0] == 1
    ours.units[bowls, 0] = ours.units[bowls, 1]
    round_bowls = KNOWN | {"thing.yaw": Identifiability(("bowl",), True, True)}
    wrong, fair = (
        {(c.a, c.b): c.generated for c in correlations(LAYOUT, known, ours, None)}
        for known in (KNOWN, round_bowls)
    )
    bound = 4 / (COUNT - bowls.sum()) ** 0.5
    assert abs(wrong["thing.yaw", "thing.x"]) > 2 * bound
    assert abs(fair["thing.yaw", "thing.x"]) < bound
    assert fair["thing.x", "light.x"] == wrong["thing.x", "light.x"]


def test_pairs_with_a_constant_have_no_correlation() -> None:
    constant = drawn(0)
    constant.units[:, 1] = 0.3
    assert [(c.a, c.b) for c in correlations(LAYOUT, KNOWN, constant, None)] == [("thing.yaw", "light.x")]
    against = {(c.a, c.b): c.target for c in correlations(LAYOUT, KNOWN, drawn(1), constant)}
    assert against["thing.x", "light.x"] is None
    assert against["thing.yaw", "light.x"] is not None


def test_class_shares_count_the_draws() -> None:
    generated, truth = drawn(0), drawn(1)
    shares = class_shares(LAYOUT, generated, truth)["thing"]
    assert shares["bowl"].generated == generated.classes.mean()
    assert shares["shoe"].target == pytest.approx(1 - truth.classes.mean())
    assert class_shares(LAYOUT, generated, None)["thing"]["bowl"].target is None


@pytest.mark.parametrize("known", [True, False])
def test_a_judgement_fills_the_summary(known: bool) -> None:
    """It is written, read again, and judges with the truth only where there is one."""
    rng = stream(0, "test/images")
    material = Material(
        layout=LAYOUT,
        prior=drawn(0, 0.1),
        generated=drawn(1),
        truth=(drawn(2), drawn(3)) if known else None,
        inferred=drawn(4).units if known else None,
        errors=ERRORS if known else None,
        known={**KNOWN, "thing.yaw": Identifiability(("bowl",), True, True)},
        features={
            name: FeatureSets(rng.standard_normal((40, 3)), [rng.standard_normal((40, 3)) for _ in range(2)])
            for name in ("main", "beside")
        },
    )
    judgement = judge(material, stream(0, "test/verdict"), 39)
    summary = judgement.summary("test", 0, renders=10, wall_seconds=2.0, render_seconds=1.0)
    assert Summary.model_validate_json(summary.model_dump_json()) == summary
    assert all((r.w1 is not None) == known for r in summary.attributes.values())
    assert all((c.target is not None) == known for c in summary.correlations)
    for j, name in enumerate(LAYOUT.names):
        result, spec = summary.attributes[name], LAYOUT.columns[j].spec
        assert result.mean_error == (float(ERRORS.mean[j]) * spec.span if known else None)
        assert result.std_error == (float(ERRORS.std[j]) * spec.span if known else None)
    assert all(c.error == (0.03 if known else None) for c in summary.correlations)
    assert (judgement.populations.target is not None) == known
    np.testing.assert_allclose(judgement.populations.generated, LAYOUT.values(drawn(1).units))
    _numbers_follow_from_populations(summary, judgement.populations)
    assert summary.verdict.n_generated == 80
    assert set(summary.verdict.features) == {"main", "beside"}
    assert summary.verdict.mmd2 == summary.verdict.features["main"].mmd2
    assert summary.verdict.produces_target is None


def _numbers_follow_from_populations(summary: Summary, made: Populations) -> None:
    """Whoever has the file can compute the summary's attributes again."""
    for j, column in enumerate(made.columns):
        result, span = summary.attributes[column.name], column.high - column.low
        period = span if column.periodic else None
        values = {
            name: getattr(made, name)[made.told[name][:, j], j] - column.low
            for name in ("prior", "generated", "target")
            if getattr(made, name) is not None
        }
        distance = circular_wasserstein if column.periodic else wasserstein
        for name, found in values.items():
            moments = getattr(result, name)
            mean, std = mean_std(found, period)
            assert (mean + column.low, std) == pytest.approx((moments.mean, moments.std))
        if "target" in values:
            assert distance(values["prior"], values["target"], span) == pytest.approx(result.w1_prior)
            assert distance(values["generated"], values["target"], span) == pytest.approx(result.w1)
    assert not made.told["generated"].all()
