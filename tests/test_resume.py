"""A training killed with signal 9 at any moment and resumed ends as one that nobody disturbed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from small_runs import EXPERIMENTS, told, train

from metasim.base.streams import stream
from metasim.cli import main
from metasim.runs.folder import RunFolder
from metasim.runs.manifest import Manifest
from metasim.runs.metrics import read_metrics

pytestmark = pytest.mark.usefixtures("brief_reports")

ROOT = Path(__file__).parents[1]
EXPERIMENT = "digits_rotation"
STAGES = ("reconstruct", "invert/0", "invert/1", "invert/2", "polish", "rehearse", "transfer")
KILLED_AFTER_A_LINE_OF = ("reconstruct", "invert/1", "transfer")
LATEST = 0.8  # seconds after that line
PATIENCE = 120.0
UNTOUCHED = ("summary.json", "metrics.jsonl", "config.yaml", "checkpoints/best.pt", "manifest.json")


def arguments(out: Path, *more: str) -> list[str]:
    return ["train", "--exp", str(EXPERIMENTS / f"{EXPERIMENT}.yaml"), "--out", str(out), *told(), *more]


def folder_in(out: Path) -> RunFolder:
    return RunFolder(out / "digits_rotation" / "0")


def result(folder: RunFolder) -> dict[str, Any]:
    """All of a summary but the clocks."""
    summary = json.loads(folder.summary.read_text())
    return {key: value for key, value in summary.items() if not key.endswith("_seconds")}


def steps(folder: RunFolder) -> Counter[tuple[str, int]]:
    return Counter((line["stage"], line["step"]) for line in read_metrics(folder.metrics))


def kill_after(stage: str, out: Path, delay: float) -> float:
    """Goes on with a training and kills it soon after it logs a stage; returns the run's last second.

    If the stage was done before, it is killed in the next.
    """
    folder = folder_in(out)
    before = max((line["seconds"] for line in read_metrics(folder.metrics)), default=0.0)
    waited_for = STAGES[STAGES.index(stage) :]
    script = [sys.executable, str(ROOT / "scripts" / "train.py"), *arguments(out, "--resume")[1:]]
    process = subprocess.Popen(script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    began = time.monotonic()
    while process.poll() is None and time.monotonic() < began + PATIENCE:
        lines = read_metrics(folder.metrics)
        if any(line["stage"] in waited_for and line["seconds"] > before for line in lines):
            break
        time.sleep(0.02)
    time.sleep(delay)
    assert process.poll() is None, f"ended before it could be killed in {stage}"
    process.kill()
    process.wait()
    return read_metrics(folder.metrics)[-1]["seconds"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    train(EXPERIMENT, out)
    return out


@pytest.mark.slow
def test_a_killed_run_ends_as_an_undisturbed_one(undisturbed: Path, tmp_path: Path) -> None:
    folder, clock = folder_in(tmp_path), [0.0]
    delays = stream(0, "kill").uniform(0, LATEST, len(KILLED_AFTER_A_LINE_OF))
    for stage, delay in zip(KILLED_AFTER_A_LINE_OF, delays, strict=True):
        clock.append(kill_after(stage, tmp_path, float(delay)))
        assert folder.status() == "interrupted"
        assert max(steps(folder).values()) == 1
    train(EXPERIMENT, tmp_path, resume=True)
    clock.append(json.loads(folder.summary.read_text())["wall_seconds"])
    assert clock == sorted(set(clock))
    assert result(folder) == result(folder_in(undisturbed))
    assert steps(folder) == steps(folder_in(undisturbed))
    renders = Manifest.load(folder.manifest).renders
    assert renders["learning"] == result(folder)["renders"] == 100
    assert not list(tmp_path.rglob("*.partial"))


def test_a_finished_run_is_not_done_again_but_reported(
    undisturbed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_in(undisturbed)
    before = [(folder.path / name).read_bytes() for name in UNTOUCHED]
    assert not folder.report.exists()
    began = time.process_time()
    assert main(arguments(undisturbed, "--resume")) == 0
    assert time.process_time() - began < 10.0
    said = capsys.readouterr()
    assert "is finished" in said.err
    assert str(folder.report) in said.out
    assert folder.report.exists()
    assert [(folder.path / name).read_bytes() for name in UNTOUCHED] == before


def test_without_resume_a_run_is_left_alone(undisturbed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")}
    assert main(arguments(undisturbed)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--resume" in said
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")} == files
