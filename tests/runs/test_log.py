from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.metrics import append_line, keep_lines, read_metrics


def places(folder: RunFolder) -> list[tuple[str, int]]:
    return [(line["stage"], line["step"]) for line in read_metrics(folder.metrics)]


def fill(log: RunLog, stage: str, steps: range) -> None:
    for step in steps:
        log.scalars(stage, step, renders=10 * step, loss=float(step), mmd2=0.1)


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.floats(width=32), min_size=1, max_size=5))
def test_what_is_logged_is_read_back(values: list[float], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "metrics.jsonl"
    for step, value in enumerate(values):
        append_line(path, {"stage": "s", "step": step, "loss": np.float32(value)})
    expected = [value if np.isfinite(value) else None for value in values]
    assert [line["loss"] for line in read_metrics(path)] == expected
    assert "NaN" not in path.read_text()


def test_a_line_cut_short_is_dropped_and_writing_goes_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with RunLog(folder, tensorboard=False) as log:
        fill(log, "invert", range(3))
    whole = folder.metrics.read_bytes()
    folder.metrics.write_bytes(whole + b'{"stage": "invert", "st')
    with RunLog(folder, tensorboard=False) as log:
        fill(log, "invert", range(3, 5))
    assert folder.metrics.read_bytes().startswith(whole)
    assert places(folder) == [("invert", step) for step in range(5)]
    assert all(json.loads(line) for line in folder.metrics.read_text().splitlines())


@given(done=st.integers(0, 6), back=st.integers(0, 6))
@settings(max_examples=15, deadline=None)
def test_a_stage_done_again_leaves_no_line_twice(
    done: int, back: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    with RunLog(folder, tensorboard=False) as log:
        fill(log, "reconstruct", range(4))
        fill(log, "refine", range(done))
    step = min(back, done)
    with RunLog(folder, tensorboard=False) as log:
        log.rewind("refine", step)
        fill(log, "refine", range(step, 6))
    assert places(folder) == [("reconstruct", i) for i in range(4)] + [("refine", i) for i in range(6)]


def test_tensorboard_forgets_with_the_log(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = RunFolder(tmp_path)
    with RunLog(folder) as log:
        fill(log, "invert", range(5))
        log.histogram("invert", 4, "yaw", np.array([1.0, np.nan, 2.0]))
        log.images("invert", 4, "renders", np.zeros((2, 8, 8, 3), np.uint8))
    time.sleep(1.1)  # event files are told apart by second
    with RunLog(folder) as log:
        log.rewind("invert", 2)
        for step in (2, 3):
            log.scalars("invert", step, renders=0, loss=100.0 + step)
    events = EventAccumulator(str(folder.tensorboard / "invert"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(0, 0.0), (1, 1.0), (2, 102.0), (3, 103.0)]


def test_progress_tables_repeat_the_log(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with RunLog(folder, tensorboard=False) as log:
        log.scalars("reconstruct", 0, 0, loss=3.0)
        log.scalars("transfer", 0, 5, loss=1.0)
        fill(log, "refine", range(3))
    mmd = list(csv.DictReader((folder.progress / "mmd.csv").open()))
    assert [(row["stage"], int(row["step"]), float(row["mmd2"])) for row in mmd] == [
        ("refine", step, 0.1) for step in range(3)
    ]
    reconstruction = list(csv.DictReader((folder.progress / "reconstruction.csv").open()))
    assert [float(row["loss"]) for row in reconstruction] == [3.0]


def test_seconds_go_on_in_a_second_session(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for session in range(3):
        with RunLog(folder, tensorboard=False) as log:
            time.sleep(0.02)
            fill(log, f"stage{session}", range(2))
    seconds = [line["seconds"] for line in read_metrics(folder.metrics)]
    assert seconds == sorted(seconds)
    assert seconds[-1] >= 0.06


def test_keeping_all_lines_rewrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_line(path, {"stage": "s", "step": 0, "loss": 0.1})
    before = path.stat().st_ino
    keep_lines(path)
    assert path.stat().st_ino == before
