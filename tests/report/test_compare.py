from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from metasim.cli import main
from metasim.report.headline import headline
from metasim.report.run_data import load_run


def test_compare_writes_both_files_into_the_first_run(make_run, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = make_run("a"), make_run("b", known=False), make_run("c", finished=False)
    assert main(["compare", *(f"--run={run.path}" for run in (first, second, third))]) == 0
    table = json.loads((first.path / "comparison.json").read_text())
    assert [row["status"] for row in table["runs"]] == ["finished", "finished", "interrupted"]
    kept = json.loads(first.summary.read_text())["attributes"]
    assert table["w1"] == {name: [result["w1"], None, None] for name, result in kept.items()}
    assert table["runs"][0]["attributes"] == kept
    assert str(first.report) in capsys.readouterr().out
    assert not second.report.exists()
    assert "Runs compared" in first.report.read_text()


def test_the_worst_attribute_is_an_identifiable_one(make_run) -> None:
    folder = make_run()
    kept = json.loads(folder.summary.read_text())["attributes"]
    row = headline(load_run(folder))
    assert row.w1 == max(result["w1"] for result in kept.values() if result["identifiable"])
    assert kept[row.worst]["w1"] == row.w1


def test_runs_are_listed_and_sorted(make_run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run("a", finished=False)
    make_run("b")
    path = tmp_path / "runs.csv"
    assert main(["runs", str(tmp_path / "results"), "--sort", "p_value", "--csv", str(path)]) == 0
    rows = list(csv.DictReader(path.open()))
    assert [row["experiment"] for row in rows] == ["b", "a"]
    assert [row["status"] for row in rows] == ["finished", "interrupted"]
    assert "interrupted" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize("arguments", [["compare"], ["compare", "--run", "nowhere"], ["runs", "nowhere"]])
def test_bad_input_is_one_line_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
