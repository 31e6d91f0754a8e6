"""A training with a task: a stage of its own, resumable, and without effect where it does not help."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from small_runs import EXPERIMENTS, SMALL, told, train

from metasim.cli import main
from metasim.matching.generator import Generator
from metasim.runs.checkpoint import load_checkpoint, save_checkpoint
from metasim.runs.folder import RunFolder
from metasim.runs.metrics import read_metrics

pytestmark = pytest.mark.usefixtures("brief_reports")

LARGER = (*SMALL, "matching.renders=200", "target.num=200")
TASK = ("matching.task.kind=classify", "matching.task.labels=100", "matching.task.renders=100")


def tuned(out: Path, *changes: str, resume: bool = False) -> RunFolder:
    return train("mnist_rotation", out, (*LARGER, *changes), resume)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tuned(tmp_path_factory.mktemp("results"), *TASK, "matching.task.rounds=2")


def stored(generator: Path) -> list[str]:
    """The scenes that a generator draws, as text."""
    return [repr(graph) for graph in Generator.load(generator).scenes(8, "test")]


def test_the_stage_is_logged_and_its_renders_count(finished: RunFolder) -> None:
    lines = [line for line in read_metrics(finished.metrics) if line["stage"] == "task"]
    assert [line["step"] for line in lines] == [0, 1]
    assert json.loads(finished.summary.read_text())["renders"] == 300


def test_a_generator_that_is_not_tuned_stays_what_it_was(finished: RunFolder, tmp_path: Path) -> None:
    """At a fiftieth of the effort the network learns nothing, so that nothing is tuned."""
    assert not load_checkpoint(finished.checkpoints / "task.pt")["tilt"].numpy().any()
    without = tuned(tmp_path)
    ours, matched = (stored(finished.checkpoints / name) for name in ("best.pt", "matched.pt"))
    assert ours == matched == stored(without.checkpoints / "best.pt")


def test_a_run_killed_after_a_tilt_was_found_goes_on_with_it(finished: RunFolder, tmp_path: Path) -> None:
    """The tilt found is put in the place of none; the network is then transferred to the tilted law."""
    shutil.copytree(finished.path, tmp_path / "mnist_rotation" / "0")
    run = RunFolder(tmp_path / "mnist_rotation" / "0")
    state = load_checkpoint(run.checkpoints / "last.pt")
    state["done"].remove("task")
    save_checkpoint(run.checkpoints / "last.pt", state)
    found = load_checkpoint(run.checkpoints / "task.pt")
    found["tilt"][-1] = 3.0  # towards nines
    save_checkpoint(run.checkpoints / "task.pt", found)
    run.summary.unlink()
    manifest = json.loads(run.manifest.read_text())
    run.manifest.write_text(json.dumps(manifest | {"status": "interrupted"}))
    again = tuned(tmp_path, *TASK, "matching.task.rounds=2", resume=True)
    nines = [
        [g.by_name["digit"].cls for g in Generator.load(again.checkpoints / name).scenes(200, "t")].count("9")
        for name in ("matched.pt", "best.pt")
    ]
    assert nines[1] > 2 * nines[0] + 20
    assert json.loads(again.summary.read_text())["renders"] == 300


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("matching.task.labels=150", "matching.task.labels: 150; expected 100 at most"),
        ("matching.task.labels=none.csv", "none.csv: "),
        ("matching.preset=metasim", "matching.task: the preset metasim; expected inversion"),
        ("matching.task.kind=detect", "matching.task.kind: 'detect'"),
        ("matching.task.labels=20", "of class"),
    ],
)
def test_wrong_tasks_end_in_one_line(
    change: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = str(EXPERIMENTS / "mnist_rotation.yaml")
    words = told((*LARGER, *TASK, change))
    assert main(["train", "--exp", experiment, "--out", str(tmp_path), *words]) == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if text.startswith("metasim: ")]
    assert said in line
