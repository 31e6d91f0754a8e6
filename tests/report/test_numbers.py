"""Every number that a report shows, computed again from the files of the run by other means."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from page_reader import Page

from metasim.report.attribute_rows import attribute_rows
from metasim.report.bars import bars
from metasim.report.circles import BINS, circles, sectors
from metasim.report.comparison import comparison
from metasim.report.curves import mmd_curves
from metasim.report.distances import distances
from metasim.report.gradient_flow import gradient_flow
from metasim.report.joints import joints
from metasim.report.limits import not_identifiable
from metasim.report.neighbours import neighbours
from metasim.report.pictures import pictures
from metasim.report.run_data import RunData, load_run
from metasim.runs.folder import RunFolder
from metasim.runs.summary import Reading


@pytest.fixture(scope="module")
def shown(finished_run: RunFolder) -> Page:
    return Page(finished_run.report.read_text())


@pytest.fixture(scope="module")
def run(finished_run: RunFolder) -> RunData:
    return load_run(finished_run)


def kept(folder: RunFolder) -> dict:
    return json.loads(folder.summary.read_text())


def lines(folder: RunFolder) -> list[dict]:
    return [json.loads(text) for text in folder.metrics.read_text().splitlines()]


def data(line: Line2D) -> tuple[list[float], list[float]]:
    return np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()


def circular(values: np.ndarray) -> tuple[float, float]:
    resultant = np.exp(1j * np.radians(values)).mean()
    return np.degrees(np.angle(resultant)) % 360, np.degrees(np.sqrt(-2 * np.log(np.abs(resultant))))


def wound(values: np.ndarray) -> np.ndarray:
    """Angles of these laws about their middle, in one piece."""
    middle = circular(values)[0]
    return middle + (values - middle + 180) % 360 - 180


def test_attributes(finished_run: RunFolder, shown: Page) -> None:
    with np.load(finished_run.population) as file:
        values = {name: file[name] for name in ("prior", "generated", "target")}
        names = list(file["columns"])
    for index, (name, span) in enumerate(zip(names, (180.0, 24.0, 24.0), strict=True)):
        columns = {which: found[:, index] for which, found in values.items()}
        row = shown.row(name, 9)
        for cell, found in zip(row[1:4], columns.values(), strict=True):
            mean, spread = circular(found) if name == "digit.yaw" else (found.mean(), found.std())
            assert cell.startswith(f"{mean:.3g} ± {spread:.3g}")
        if name == "digit.yaw":
            columns = {which: wound(found) for which, found in columns.items()}
        for cell, which in ((row[4], "prior"), (row[5], "generated")):
            expected = scipy.stats.wasserstein_distance(columns[which], columns["target"]) / span
            assert float(cell) == pytest.approx(expected, abs=6e-5)
        assert row[6] == f"{kept(finished_run)['attributes'][name]['w1_floor']:.4f}"


def test_an_unfinished_run_has_the_same_moments(run: RunData) -> None:
    ended = {row.name: row for row in attribute_rows(run)}
    for row in attribute_rows(RunData(run.folder, run.manifest, run.status, None, run.populations, [])):
        for which in ("prior", "generated", "target"):
            ours, theirs = getattr(row, which), getattr(ended[row.name], which)
            assert (ours.mean, ours.std) == pytest.approx((theirs.mean, theirs.std))


def test_verdict(finished_run: RunFolder, shown: Page) -> None:
    verdict = kept(finished_run)["verdict"]
    assert (
        f"p = {verdict['p_value']:.3f}, {verdict['n_generated']} renders, {verdict['n_target']}" in shown.text
    )
    assert f"right in {verdict['c2st']:.1%}" in shown.text
    assert "finds no difference" in shown.text
    for name, found in verdict["features"].items():
        row = shown.row(name)
        assert row[1:3] == [f"{found['mmd2']:.2e}", f"{found['mmd2_floor']:.2e}"]
        assert float(row[3]) == pytest.approx(found["p_value"], abs=5e-4)
        for cell, key in ((row[4], "p_values"), (row[5], "null_p_values")):
            assert [float(p) for p in cell.split()] == pytest.approx(found[key], abs=5e-4)
        assert row[6:] == [f"{found['c2st']:.3f}", "{:.3f} – {:.3f}".format(*found["c2st_ci"])]
    for name, found in verdict["shifts"].items():
        row = shown.row(name, 6)
        keys = ("difference", "error", "p_value", "smallest")
        assert [float(cell) for cell in row[1:5]] == [found[key] for key in keys]
        reading = verdict["readings"].get(name)
        assert row[5] == (f"{reading['error']:.3g}" if reading else "–")
    for name, share in verdict["false_alarms"].items():
        assert f"{name} {100 * share:.1f} %" in shown.text


def test_correlations_classes_and_distances(finished_run: RunFolder, shown: Page, run: RunData) -> None:
    with np.load(finished_run.population) as file:
        expected = [np.corrcoef(file[name][:, 1:].T)[0, 1] for name in ("generated", "target")]
    row = shown.row("digit.loc_x, digit.loc_y")
    assert [float(cell) for cell in row[1:3]] == pytest.approx(expected, abs=0.0051)
    assert float(row[3]) == pytest.approx(kept(finished_run)["correlations"][0]["error"], abs=0.0051)
    (matrix,) = joints(run).values()
    assert [float(text.get_text()) for text in matrix.axes[1].texts] == pytest.approx(expected, abs=0.0051)
    summary = kept(finished_run)
    (drawn,) = bars(run).values()
    heights = [patch.get_height() for patch in drawn.axes[0].patches if isinstance(patch, Rectangle)]
    shares = summary["classes"]["digit"].values()
    assert heights == [*(s["target"] for s in shares), *(s["generated"] for s in shares)]
    plot = distances([run])
    assert plot is not None
    dots = {str(line.get_label()): data(line)[0] for line in plot.axes[0].lines}
    for label, key in (("prior", "w1_prior"), ("floor", "w1_floor"), (run.name, "w1")):
        assert dots[label] == [result[key] for result in summary["attributes"].values()]


def test_curves_and_gradients(finished_run: RunFolder, run: RunData) -> None:
    logged = [line for line in lines(finished_run) if "mmd2" in line]
    plot = mmd_curves({"": [run.metrics]})
    assert plot is not None
    curve = plot.axes[0].lines[0]
    assert data(curve)[0] == [line["renders"] for line in logged]
    assert data(curve)[1] == [line["mmd2"] for line in logged]
    edges = np.asarray(plot.axes[0].collections[0].get_paths()[0].vertices)
    for line in logged:
        at = edges[edges[:, 0] == line["renders"], 1]
        assert at.max() == pytest.approx(line["mmd2"] + line["mmd2_error"])
        assert at.min() == pytest.approx(line["mmd2"] - line["mmd2_error"])
    flow = gradient_flow(run)["reconstruct"].axes[0].lines
    steps = [line for line in lines(finished_run) if "gradient/layer.0" in line]
    assert [data(drawn)[1] for drawn in flow] == [
        [line[f"gradient/layer.{k}"] for k in range(3)] for line in steps
    ]


def test_the_headline(finished_run: RunFolder, shown: Page) -> None:
    summary, told = kept(finished_run), " ".join(shown.text.split())
    worst = max(a["w1"] for a in summary["attributes"].values() if a["identifiable"])
    for words in (
        f"{summary['verdict']['p_value']:.3f}p value, held-out",
        f"{summary['verdict']['c2st']:.3f}classifier accuracy",
        f"{worst:.4f}worst W1",
        f"{summary['renders']}renders for learning",
        f"{summary['wall_seconds']:.0f} swall time",
    ):
        assert words in told


def test_what_is_not_determined_names_the_share_that_is_read(run: RunData) -> None:
    assert run.summary is not None
    readings = {"digit.yaw": Reading(error=40.0, explained={"3": 0.95, "7": 0.031})}
    verdict = run.summary.verdict.model_copy(update={"readings": readings})
    told = not_identifiable(run.summary.model_copy(update={"verdict": verdict}))
    assert any("not for 7" in item and "only 3% of 7" in item for item in told)


def test_costs_and_counts(finished_run: RunFolder, shown: Page) -> None:
    renders, seconds = 0, 0.0
    for stage in ("reconstruct", "refine"):
        logged = [line for line in lines(finished_run) if line["stage"] == stage]
        last = logged[-1]
        row = shown.row(stage)
        assert row[1:3] == [str(len(logged)), str(last["renders"] - renders)]
        assert float(row[3]) == pytest.approx(last["seconds"] - seconds, abs=0.051)
        renders, seconds = last["renders"], last["seconds"]
    manifest = json.loads(finished_run.manifest.read_text())
    for purpose, count in manifest["renders"].items():
        assert shown.row(f"images rendered, {purpose}")[1] == str(count)
    summary = kept(finished_run)
    assert str(summary["renders"]) in shown.text
    assert f"{summary['wall_seconds']:.0f} s" in shown.text
    assert shown.row("seconds in the renderer")[1] == f"{summary['render_seconds']:.1f}"


def test_circles_count_all_populations_in_the_same_sectors(finished_run: RunFolder, run: RunData) -> None:
    assert list(circles(run)) == ["digit.yaw"]
    assert run.populations is not None
    with np.load(finished_run.population) as file:
        for name, share in sectors(run.populations, 0).items():
            places = np.floor(file[name][:, 0] % 360 / (360 / BINS)).astype(int)
            assert np.allclose(share, np.bincount(places, minlength=BINS) / len(places))


def test_neighbours(run: RunData, shown: Page) -> None:
    seen = pictures(run)
    assert seen is not None
    away = np.linalg.norm(seen.target_features[:, None] - seen.generated_features[None], axis=-1)
    found = neighbours(seen)
    assert np.array_equal(found.nearest, away.argmin(1))
    told = " ".join(shown.text.split())
    assert f"nearest render {np.median(away.min(1)):.3f}" in told
    assert f"other target images {among(seen.target_features):.3f}" in told
    fewer = neighbours(replace(seen, generated=seen.generated[:5]))
    assert fewer.floor == pytest.approx(among(seen.target_features[:6]))  # five others to each


def among(features: np.ndarray) -> float:
    """Median distance to the nearest other."""
    away = np.linalg.norm(features[:, None] - features[None], axis=-1)
    return float(np.median((away + np.diag(np.full(len(away), np.inf))).min(1)))


def test_comparison_holds_what_the_files_hold(finished_run: RunFolder, run: RunData) -> None:
    (entry,) = comparison([run])["runs"]
    summary = kept(finished_run)
    for key in ("renders", "render_seconds", "verdict", "attributes"):
        assert entry[key] == summary[key]
    assert sum(stage["renders"] for stage in entry["stages"]) == lines(finished_run)[-1]["renders"]
