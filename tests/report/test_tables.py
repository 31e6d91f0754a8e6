"""Cells of a page of the kept runs, computed again from their files: making, comparison, errors, floors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from page_reader import Page, page

from metasim.runs.folder import RunFolder

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
NOTHING = "–"


def taken(name: str, place: Path, *files: str) -> RunFolder:
    """Some files of a kept run, in a folder of their own."""
    shutil.copytree(REFERENCE / name, place, ignore=lambda _, found: {*found} - {"config.yaml", *files})
    return RunFolder(place)


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(read(path) | changes))


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[RunFolder]:
    """One with everything its manifest can tell, one surely apart from its target, one without an end."""
    place = tmp_path_factory.mktemp("runs")
    whole = ("manifest.json", "summary.json", "population.npz")
    first = taken("tyol/0", place / "first", *whole)
    rewrite(first.manifest, commit="0123abc+", machine={"host": "h", "cpus": 7, "accelerator": "none such"})
    apart = taken("digits_rotation/1", place / "apart", *whole)
    rewrite(apart.summary, verdict=read(apart.summary)["verdict"] | {"p_value": 2e-4})
    ended = taken("digits_rotation/1", place / "ended", "manifest.json")
    rewrite(ended.manifest, seed=5, status="interrupted", seconds=12.6, renders={"target": 9, "learning": 77})
    return [first, apart, ended]


@pytest.fixture(scope="module")
def content(runs: list[RunFolder]) -> str:
    page(*runs)
    return runs[0].report.read_text()


@pytest.fixture(scope="module")
def shown(content: str) -> Page:
    return Page(content)


def rows(content: str, after: str) -> list[list[str]]:
    """The first table after a mark."""
    return Page(content.partition(after)[2].partition("</table>")[0]).rows


def test_how_it_was_made(runs: list[RunFolder], content: str) -> None:
    """All that the manifest tells, and nothing else."""
    manifest, summary = read(runs[0].manifest), read(runs[0].summary)
    assert len({*manifest["versions"].values()}) == len(manifest["versions"])  # none stands for another
    assert manifest["started"] != manifest["ended"]
    assert rows(content, 'id="making"') == [
        ["started", manifest["started"]],
        ["ended", manifest["ended"]],
        *([f"images rendered, {purpose}", str(n)] for purpose, n in manifest["renders"].items()),
        ["seconds in the renderer", str(round(summary["render_seconds"], 1))],
        *([name, version] for name, version in manifest["versions"].items()),
        ["commit", manifest["commit"]],
        *([name, str(fact)] for name, fact in manifest["machine"].items()),
    ]


def test_runs_compared(runs: list[RunFolder], content: str) -> None:
    manifests = [read(run.manifest) for run in runs]
    ended, summaries = manifests[-1], [read(run.summary) for run in runs[:-1]]
    names = [name for summary in summaries for name in summary["attributes"]]
    expected = [
        [
            f"{manifest['experiment']} / {manifest['seed']}",
            manifest["status"],
            summary["verdict"]["finding"],
            str(summary["renders"]),
            str(round(summary["wall_seconds"])),
            "< 0.001" if summary["verdict"]["p_value"] < 5e-4 else f"{summary['verdict']['p_value']:.3f}",
            f"{summary['verdict']['c2st']:.3f}",
            *(f"{a[name]['w1']:.4f}" if name in a else NOTHING for name in names),
        ]
        for manifest, summary in zip(manifests, summaries, strict=False)
        for a in [summary["attributes"]]
    ]
    shown = rows(content, 'id="compared"')
    assert shown[0] == [
        "run", "status", "finding", "renders", "seconds", "p", "C2ST", *(f"W1 {name}" for name in names)
    ]  # fmt: skip
    assert shown[1:-1] == expected
    run = f"{ended['experiment']} / {ended['seed']}"
    assert shown[-1] == [run, "interrupted", NOTHING, "77", "13", *[NOTHING] * (2 + len(names))]


def test_errors_of_attributes(runs: list[RunFolder], content: str, finished_run: RunFolder) -> None:
    attributes = read(runs[0].summary)["attributes"]
    found = {row[0]: [float(error) for error in row[7].split(", ")] for row in rows(content, 'id="rows"')[1:]}
    assert found == {
        name: [float(f"{result[key]:.3g}") for key in ("mean_error", "std_error")]
        for name, result in attributes.items()
    }
    assert len({tuple(pair) for pair in found.values()}) == len(found)
    unknown = rows(finished_run.report.read_text(), 'id="rows"')[1:]
    assert [row[7] for row in unknown] == [NOTHING] * len(read(finished_run.summary)["attributes"])


def test_floors(runs: list[RunFolder], content: str, shown: Page) -> None:
    """Beside each distance stands the one of its own target, in tables and sentences."""
    summary = read(runs[0].summary)
    verdict, attributes = summary["verdict"], summary["attributes"]
    assert [row[:3] for row in rows(content, 'id="evidence"')[1:]] == [
        [name, f"{found['mmd2']:.2e}", f"{found['mmd2_floor']:.2e}"]
        for name, found in verdict["features"].items()
    ]
    for row in rows(content, 'id="evidence"')[1:]:
        null = verdict["features"][row[0]]["null_p_values"]
        assert [float(p) for p in row[5].split()] == pytest.approx(null, abs=5e-4)
    told = " ".join(shown.text.split())
    halves = "between two halves of the target"
    assert f"MMD² {verdict['mmd2']:.2e}, {halves} {verdict['mmd2_floor']:.2e})" in told
    assert [row[4:7] for row in rows(content, 'id="rows"')[1:]] == [
        [f"{result[key]:.4f}" for key in ("w1_prior", "w1", "w1_floor")] for result in attributes.values()
    ]
    known = {name: result for name, result in attributes.items() if result["identifiable"]}
    name, worst = max(known.items(), key=lambda item: item[1]["w1"])
    distances = f"W1 {worst['w1']:.4f} of the range, {worst['w1_floor']:.4f} between two draws of the target"
    assert f"{name} is farthest from the target: {distances}, {worst['w1_prior']:.4f} before" in told
    assert f"determine {len(known)} of {len(attributes)} attributes" in told


def test_rotations_are_in_the_page(shown: Page) -> None:
    drawn = [alt for alt in shown.images if alt.startswith("rotations: ")]
    assert drawn == ["rotations: object, from the left", "rotations: object, from the right"]
