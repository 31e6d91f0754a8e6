"""Every law against its own distribution function, its mass, and the rules of a file."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import stats

from metasim.base.errors import InputError
from metasim.base.validation import validated
from metasim.grammar.distribution import Atoms, Censored, Distribution, Mixture
from metasim.grammar.grammar import SceneGrammar
from metasim.grammar.laws import Law
from metasim.grammar.syntax import Attribute
from metasim.scene.attribute import AttributeSpec

LINE: dict[str, Any] = {"range": [-1.0, 3.0]}
CIRCLE: dict[str, Any] = {"range": [-90.0, 270.0], "periodic": True, "unit": "deg"}
GIVEN = {"x": 0.5, "light.power": 350.0}
N = 20_000

TWO_PARTS = [{"weight": 3, "law": {"uniform": [0, 1]}}, {"law": {"normal": {"mean": 2, "std": 1}}}]
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "fixed": (LINE, 2.0),
    "fixed_wound": (CIRCLE, {"fixed": 300.0}),
    "uniform": (LINE, {"uniform": [0.0, 2.5]}),
    "uniform_wound": (CIRCLE, {"uniform": [200.0, 400.0]}),
    "uniform_whole_circle": (CIRCLE, {"uniform": [0.0, 360.0]}),
    "normal": (LINE, {"normal": {"mean": 1.0, "std": 0.3}}),
    "normal_cut": (LINE, {"normal": {"mean": -0.5, "std": 2.0}}),
    "normal_without_spread": (LINE, {"normal": {"mean": 0.5, "std": 0.0}}),
    "normal_wound": (CIRCLE, {"normal": {"mean": 260.0, "std": 40.0}}),
    "normal_wound_often": (CIRCLE, {"normal": {"mean": 1e6, "std": 500.0}}),
    "normal_wound_to_uniform": (CIRCLE, {"normal": {"mean": 0.0, "std": 1e5}}),
    "truncated_normal": (LINE, {"truncated_normal": {"mean": -0.5, "std": 2.0}}),
    "truncated_normal_wide": (LINE, {"truncated_normal": {"mean": 1.0, "std": 1e4}}),
    "folded_normal": (LINE, {"folded_normal": {"mean": -0.5, "std": 2.0}}),
    "von_mises": (CIRCLE, {"von_mises": {"mean": -80.0, "concentration": 2.0}}),
    "von_mises_narrow": (CIRCLE, {"von_mises": {"mean": 100.0, "concentration": 500.0}}),
    "von_mises_uniform": (CIRCLE, {"von_mises": {"mean": 100.0, "concentration": 0.0}}),
    "categorical": (LINE, {"categorical": {0: 1, 2.5: 3, -1: 0.5}}),
    "categorical_wound": (CIRCLE, {"categorical": {0: 1, 360: 1, 90: 2}}),
    "mixture": (LINE, {"mixture": TWO_PARTS}),
    "mixture_with_atom": (LINE, {"mixture": [{"law": {"uniform": [0, 1]}}, {"law": 0.5}]}),
    "follow": (LINE, {"follow": {"attribute": "x", "scale": -2.0, "offset": 1.0, "std": 0.5}}),
    "follow_wound": (CIRCLE, {"follow": {"attribute": "light.power", "std": 30.0}}),
    "follow_exactly": (LINE, {"follow": {"attribute": "x"}}),
    "by_class": (LINE, {"by_class": {"shoe": {"uniform": [0, 1]}, "mug": 2.0}}),
}
ALL = pytest.mark.parametrize("case", CASES)


def read(case: str) -> tuple[Law, AttributeSpec]:
    rest, law = CASES[case]
    attribute = validated(Attribute, {**rest, "law": law}, "test")
    return attribute.law, attribute.spec("value")


def made(case: str) -> tuple[Distribution, AttributeSpec]:
    law, spec = read(case)
    return law.distribution(spec, "shoe", GIVEN), spec


def atoms_of(distribution: Distribution) -> list[float]:
    """Where a distribution can have atoms, by its construction and not by its masses."""
    if isinstance(distribution, Mixture):
        return sorted({value for part in distribution.parts for value in atoms_of(part)})
    if isinstance(distribution, Atoms):
        return distribution.values.tolist()
    return [distribution.low, distribution.high] if isinstance(distribution, Censored) else []


@ALL
def test_draws_follow_the_distribution_function(case: str) -> None:
    law, spec = made(case)
    drawn = law.sample(np.random.default_rng(7), N)
    assert drawn.shape == (N,)
    assert spec.low <= drawn.min()
    assert drawn.max() <= spec.high
    atoms = atoms_of(law)
    smooth = drawn[~np.isin(drawn, atoms)]
    masses = np.exp(law.log_mass(atoms)) if atoms else np.zeros(0)
    counts = np.array([np.sum(drawn == atom) for atom in atoms])
    rest = 1.0 - masses.sum()
    observed, expected = np.append(counts, len(smooth)), N * np.append(masses, max(rest, 0.0))
    present = expected > 1e-6
    assert observed[~present].sum() == 0
    if present.sum() > 1:
        assert stats.chisquare(observed[present], expected[present], sum_check=False).pvalue > 1e-3
    if rest > 1e-9:  # the law of the rest: what is left of the distribution function without the steps

        def smooth_cdf(values: Any) -> Any:
            steps = sum(mass * (np.asarray(values) >= atom) for mass, atom in zip(masses, atoms, strict=True))
            return (law.cdf(values) - steps) / rest

        assert stats.kstest(smooth, smooth_cdf).pvalue > 1e-3


@ALL
def test_the_whole_mass_is_one(case: str) -> None:
    law, spec = made(case)
    edges = np.linspace(spec.low, spec.high, 1441)  # densities jump at edges only
    nodes, weights = np.polynomial.legendre.leggauss(8)
    half = np.diff(edges) / 2
    points = edges[:-1, None] + half[:, None] * (1 + nodes)
    density = (np.exp(law.log_density(points)) @ weights) @ half
    mass = np.exp(law.log_mass(atoms_of(law))).sum() if atoms_of(law) else 0.0
    assert density + mass == pytest.approx(1.0, abs=1e-9)


@ALL
def test_the_density_is_the_slope_of_the_distribution_function(case: str) -> None:
    law, spec = made(case)
    values = np.random.default_rng(3).uniform(spec.low, spec.high, 200)
    step = 1e-6 * spec.span
    slope = (law.cdf(values + step / 2) - law.cdf(values - step / 2)) / step
    far = np.all(np.abs(values[:, None] - np.array([*atoms_of(law), np.inf])) > step, axis=1)
    kinks = np.abs(np.diff(np.exp(law.log_density(np.stack([values - step, values + step]))), axis=0))[0]
    ok = far & (kinks < 1e-3 / spec.span)
    assert ok.sum() > 150
    np.testing.assert_allclose(
        np.exp(law.log_density(values[ok])), slope[ok], rtol=1e-4, atol=1e-7 / spec.span
    )


@ALL
def test_one_draw_is_like_many(case: str) -> None:
    law, _ = made(case)
    drawn = law.sample(np.random.default_rng(1))
    assert drawn.shape == ()
    assert np.isfinite(law.log_prob(drawn))
    assert law.log_prob([[float(drawn)] * 2]).shape == (1, 2)


@ALL
def test_a_value_drawn_alone_is_the_one_of_an_array(case: str) -> None:
    """To the bit, and as many random numbers are used."""
    law, spec = made(case)
    alone, array = (np.random.default_rng(5) for _ in range(2))
    for _ in range(500):
        one = spec.confine_one(law.draw(alone))
        assert type(one) is float
        assert one == float(spec.confine(law.sample(array)))
    assert alone.bit_generator.state == array.bit_generator.state


@ALL
def test_a_law_survives_its_written_form(case: str) -> None:
    rest, law = CASES[case]
    attribute = validated(Attribute, {**rest, "law": law}, "test")
    again = validated(Attribute, attribute.model_dump(mode="json"), "test")
    assert again == attribute


@ALL
def test_laws_are_immutable(case: str) -> None:
    law, _ = read(case)
    with pytest.raises(ValueError, match="frozen"):
        setattr(law, next(iter(type(law).model_fields)), 1.0)


def test_the_uncut_normal_is_scipys() -> None:
    law, _ = made("normal")
    values = np.linspace(0.5, 1.5, 9)
    np.testing.assert_allclose(law.log_prob(values), stats.norm.logpdf(values, 1.0, 0.3))


def test_the_cut_tails_are_atoms() -> None:
    law, spec = made("normal_cut")
    assert law.log_prob(spec.low) == pytest.approx(stats.norm.logcdf(-0.25))
    assert law.log_prob(spec.high) == pytest.approx(stats.norm.logsf(1.75))


def test_an_atom_hides_the_density_below_it() -> None:
    law, _ = made("mixture_with_atom")
    assert law.log_prob(0.5) == pytest.approx(np.log(0.5))
    assert law.log_prob(0.4) == pytest.approx(np.log(0.5))
    assert law.log_prob(1.5) == -np.inf


def test_followed_values_correlate() -> None:
    law = {"follow": {"attribute": "a", "scale": 2.0, "std": 0.5}}
    grammar = SceneGrammar.from_mapping(
        {
            "start": "s",
            "symbols": {
                "s": {
                    "attributes": {
                        "b": {"range": [-50, 50], "law": law},
                        "a": {"range": [-50, 50], "law": {"normal": {"mean": 1, "std": 1}}},
                    }
                }
            },
        }
    )
    rng = np.random.default_rng(5)
    drawn = np.array([list(grammar.sample(rng).nodes[0].attributes.values()) for _ in range(4000)])
    expected = 2.0 / np.sqrt(4.25)  # Var b = 4 Var a + 1/4
    bound = 4.0 * (1 - expected**2) / np.sqrt(4000)  # four standard errors of a correlation
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(expected, abs=bound)


@pytest.mark.parametrize(
    ("attribute", "where", "expected"),
    [
        ({"range": [0, 1], "law": {"normal": {"mean": 0.5, "std": -1}}}, "a.law.normal.std", "greater than"),
        ({"range": [1, 0], "law": 0.5}, "a", "low < high"),
        ({"range": [0, 1], "law": 2}, "a.law.fixed", r"range \[0, 1\]"),
        ({"range": [0, 1], "law": {"fixed": 2}}, "a.law.fixed", r"range \[0, 1\]"),
        ({"range": [0, 1], "law": {"normal": {"mean": 2, "std": 1}}}, "a.law.normal.mean", r"range \[0, 1\]"),
        ({"range": [0, 1], "law": {"truncated_normal": {"mean": 2, "std": 1}}}, "normal.mean", "range"),
        ({"range": [0, 1], "law": {"uniform": [0.7, 0.2]}}, "a.law.uniform", "low < high"),
        ({"range": [0, 1], "law": {"uniform": [0.7, 1.2]}}, "a.law.uniform", r"range \[0, 1\]"),
        ({"range": [0, 1], "law": {"mixture": []}}, "a.law.mixture", "at least 1"),
        ({"range": [0, 1], "law": {"mixture": [{"weight": 0, "law": 1}]}}, "mixture.0.weight", "greater"),
        ({"range": [0, 1], "law": {"mixture": [{"law": {"fixed": 3}}]}}, "mixture.0.law.fixed", "range"),
        ({"range": [0, 1], "law": {"categorical": {0.5: -1}}}, "a.law.categorical", "greater than 0"),
        ({"range": [0, 1], "law": {"categorical": {}}}, "a.law.categorical", "at least 1"),
        ({"range": [0, 1], "law": {"von_mises": {"mean": 0, "concentration": 1}}}, "von_mises", "periodic"),
        ({"range": [0, 1], "law": {"norml": {"mean": 0.5, "std": 1}}}, "a.law", "'normal' perhaps"),
        ({"range": [0, 1], "law": {"normal": {"mean": 0.5, "sdt": 1}}}, "normal.sdt", "'std' perhaps"),
        ({"range": [0, 1], "law": {"normal": {"mean": 0.5}}}, "a.law.normal.std", "a value"),
        ({"range": [0, 1], "law": {"normal": {"mean": float("nan"), "std": 1}}}, "normal.mean", "finite"),
        ({"range": [0, 1], "law": {"by_class": {"mug": 1}}}, "a.law.by_class", "one each for s"),
        ({"range": [0, 1], "law": True}, "a.law", "a number or one law"),
        ({"range": [0, 1], "law": {"follow": {"attribute": "aa"}}}, "a.law", "'a' perhaps"),
        ({"mutable": True, "law": 1}, "a", "range"),
        ({"law": {"normal": {"mean": 0, "std": 1}}}, "a", "range"),
        ("one", "a", "number"),
    ],
)
def test_a_fault_is_one_line_with_its_path(attribute: Any, where: str, expected: str) -> None:
    data = {"start": "s", "symbols": {"s": {"attributes": {"a": attribute}}}}
    with pytest.raises(InputError) as caught:
        SceneGrammar.from_mapping(data, "my.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("my.yaml: symbols.s.attributes.a")
    assert re.search(rf"{re.escape(where)}: .*; expected .*{expected}", message), message
