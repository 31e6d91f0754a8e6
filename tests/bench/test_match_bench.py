"""The matching suite: its rows can be run, and each of its criteria can fail a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.bench.match import measure, mode_error, renders_to_reach, sample_w1
from metasim.bench.match_table import table
from metasim.bench.suite import SUITE, Mode, experiment
from metasim.matching.refinement import BASELINES, difference_renders
from metasim.matching.target import Target
from metasim.pipeline import Experiment
from metasim.runs.epochs import Epoch
from metasim.runs.folder import RunFolder
from metasim.runs.population import Column, Populations
from metasim.runs.summary import AttributeResult, Correlation, Moments, Summary, Verdict

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
ROW = "tyol/single_3_attr"


def attribute(w1: float, std: float, identifiable: bool = True) -> AttributeResult:
    return AttributeResult(
        unit="m",
        range=(0, 1),
        periodic=False,
        identifiable=identifiable,
        spread_identifiable=identifiable,
        classes_not_identifiable=[],
        prior=Moments(mean=0.1, std=0.1),
        generated=Moments(mean=0.5, std=std),
        target=Moments(mean=0.5, std=0.1),
        w1_prior=0.4,
        w1=w1,
        w1_floor=0.003,
    )


def summary(w1: float = 0.005, std: float = 0.1, correlation: float = 0.9, renders: int = 2000) -> Summary:
    evidence = {"n_target": 500, "n_generated": 500, "mmd2": 0.0, "mmd2_floor": 0.0}
    return Summary(
        experiment=ROW,
        seed=3,
        renders=renders,
        wall_seconds=60.0,
        render_seconds=30.0,
        verdict=Verdict.model_validate(evidence | {"p_value": 0.3, "c2st": 0.5, "c2st_ci": (0.45, 0.55)}),
        attributes={"shoe.yaw": attribute(w1, std), "bowl.yaw": attribute(0.5, 0.9, identifiable=False)},
        correlations=[Correlation(a="a", b="b", target=0.95, generated=correlation)],
    )


@pytest.mark.parametrize("name", SUITE)
@pytest.mark.parametrize("method", ["inversion", "metasim"])
def test_every_row_can_be_run(name: str, method: str) -> None:
    config = experiment(EXPERIMENTS, name, method, 1)
    assert config.seed == 1
    assert config.matching.preset == method
    assert Experiment.prepare(config).target_grammar is not None


def test_rows_have_folders_of_their_own() -> None:
    names = {experiment(EXPERIMENTS, name, "inversion", 0).name for name in SUITE}
    assert len(names) == len(SUITE)


def test_what_is_not_identifiable_does_not_count() -> None:
    line = measure(summary(), ROW, "inversion")
    assert line["matched"]
    assert line["worst_w1"] == 0.005
    assert line["worst_correlation_error"] == pytest.approx(0.05)


@pytest.mark.parametrize("fault", [{"w1": 0.0101}, {"std": 0.079}, {"std": 0.126}, {"correlation": 0.84}])
def test_each_criterion_fails_a_run(fault: dict[str, float]) -> None:
    assert not measure(summary(**fault), ROW, "inversion")["matched"]  # type: ignore[arg-type]


def test_too_many_renders_fail_a_run() -> None:
    most = SUITE[ROW].renders
    assert measure(summary(renders=most), ROW, "inversion")["matched"]
    assert not measure(summary(renders=most + 1), ROW, "inversion")["matched"]


def test_seeds_stand_side_by_side_and_what_fails_in_bold() -> None:
    runs = [summary(), summary(w1=0.02, std=0.2, correlation=0.5, renders=9999)]
    row = table([measure(run, ROW, "inversion") for run in runs]).splitlines()[-1]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        ROW,
        "3, 3",
        "0.01",
        "0.0050 (0.0030) / **0.0200 (0.0030)**",
        "1.00 / **2.00**",
        "0.05 / **0.45**",
        "",
        "2,000 / **9,999**",
        "1 of 2",
    ]


def test_what_is_the_same_of_all_seeds_is_told_once_and_of_some_each_time() -> None:
    row = table([measure(summary(w1=w1), ROW, "inversion") for w1 in (0.005, 0.005, 0.006)]).splitlines()[-1]
    assert "| 0.0050 (0.0030) / 0.0050 (0.0030) / 0.0060 (0.0030) | 1.00 | 0.05 |" in row


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_modes_weight_is_what_lies_between_its_ends_and_is_told(ours: float, theirs: float) -> None:
    def values(weight: float) -> npt.NDArray[np.float64]:
        second = np.arange(1000) < round(weight * 1000)
        return np.stack([np.where(second, 200.0, 60.0), np.zeros(1000)], axis=1)

    generated = np.concatenate([values(ours), np.full((500, 2), 200.0)])
    told = {"generated": np.repeat(np.arange(1500) < 1000, 2).reshape(-1, 2)}
    columns = Column("digit.yaw", "deg", 0, 360, True), Column("digit.loc_x", "px", 0, 1)
    drawn = Populations(columns, values(0), generated, target=values(theirs), told=told)
    error = mode_error(drawn, Mode("digit.yaw", 110, 310))
    assert error == pytest.approx(abs(ours - theirs), abs=1.1e-3)  # both weights were rounded


def test_a_mode_of_another_weight_fails_a_run() -> None:
    row = "digits_bimodal"
    columns = (Column("digit.yaw", "deg", 0, 360, True),)
    even, uneven = np.repeat([[60.0], [200.0]], 50, axis=0), np.repeat([[60.0], [200.0]], [44, 56], axis=0)
    for generated, matched in ((even, True), (uneven, False)):
        line = measure(summary(), row, "inversion", Populations(columns, even, generated, target=even))
        assert line["matched"] == matched


@given(st.floats(-0.2, 0.2), st.booleans())
def test_images_that_are_all_shifted_are_off_by_the_shift(shift: float, periodic: bool) -> None:
    """On a circle it is in half turns; images beyond the learning part do not count, nor what is not told."""
    values = np.linspace(0.3, 0.6, 50)[:, None]
    law, told = np.concatenate([values, 0 * values]), np.arange(100) < 50
    column = Column("a.x", "m", 10, 20, periodic)
    drawn = Populations((column,), law, law, target=10 + 10 * law, told={"target": told[:, None]})
    units = np.concatenate([values + shift, np.ones((10, 1)), np.zeros((40, 1))])
    target = Target(np.zeros((100, 1, 1, 3), np.uint8), 60, units, np.zeros((100, 0), np.int64))
    away = abs(shift) * (2 if periodic else 1)
    assert sample_w1(drawn, target, "a.x", told) == pytest.approx(away, abs=1e-6)


@given(st.integers(100, 100_000), st.sampled_from(sorted(BASELINES)))
@settings(max_examples=10)
def test_a_baseline_spends_its_budget_and_no_more(budget: int, method: str) -> None:
    config = experiment(EXPERIMENTS, "digits_bimodal", method, 0, budget)
    step = difference_renders(BASELINES[method].batch, columns=3)
    assert (
        config.matching.refine_steps * step <= max(budget, step) < (config.matching.refine_steps + 1) * step
    )


@pytest.mark.parametrize(("near", "renders"), [(0.2, 300), (0.002, None)])
def test_what_a_run_needed_is_the_first_moment_that_is_near(
    near: float, renders: int | None, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path)
    target = np.full((4, 1), 0.5)
    Populations((Column("shoe.yaw", "m", 0, 1),), target, target, target=target).save(run.population)
    found = summary()
    found.model_copy(update={"attributes": {"shoe.yaw": attribute(0.0, 0.1)}}).save(run.summary)
    for number, value in enumerate([0.1, 0.25, 0.35, 0.49]):
        Epoch(number, "refine", 150 * number, np.full((4, 1), value)).save(run.epochs)
    assert renders_to_reach(run, near) == renders
