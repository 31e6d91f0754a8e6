"""What does not show in a run with Blender: workers that are killed, players that stand between."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_runs import SMALL, train

from metasim.base.processes import running
from metasim.rendering.process import ENTRY
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder

pytestmark = [
    pytest.mark.blender,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("brief_reports"),
]

EXPERIMENT = "tyol_unity"
SMALLER = (
    *SMALL,
    "matching.effort=0.01",
    "target.num=30",
    "grammar=grammars/tyol/single_1_attr.yaml",
    "target.grammar=grammars/tyol/single_1_attr_target.yaml",
    "output.tensorboard=false",
    "renderer.size=12",
    "renderer.workers=1",
)
ALONE = ("renderer.kind=blender", "renderer.samples=1")
BEHIND = json.dumps({"samples": 1, "size": 12})
THROUGH = (
    f"renderer.player={sys.executable}",
    f"renderer.arguments=[-m, renderers.unity.standin, --engine, blender, --options, '{BEHIND}']",
    "renderer.noisy=true",
)
TIMES = {"wall_seconds", "render_seconds"}


def run_in(out: Path) -> RunFolder:
    return RunFolder(out / EXPERIMENT / "0")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with Blender that nobody disturbs."""
    return train(EXPERIMENT, tmp_path_factory.mktemp("calm"), SMALLER + ALONE)


def told(run: RunFolder) -> dict[str, Any]:
    """All of a summary but the clocks."""
    read = json.loads(run.summary.read_text())
    return {key: value for key, value in read.items() if key not in TIMES}


class Killer(threading.Thread):
    """Kills all render workers of this process as soon as a file is there, and again for the next file."""

    def __init__(self, *files: Path) -> None:
        super().__init__(daemon=True)
        self.files, self.killed, self.ended = files, 0, threading.Event()

    def run(self) -> None:
        for file in self.files:
            while not file.exists():
                if self.ended.wait(0.005):
                    return
            for worker in running(ENTRY):
                worker.kill()
                self.killed += 1


def bank(run: RunFolder) -> dict[str, Any]:
    """All arrays of the bank, by file and name."""
    files = sorted(run.bank.rglob("*.npz"))
    return {
        f"{file.relative_to(run.bank)}/{name}": array
        for file in files
        for name, array in np.load(file).items()
    }


def test_a_killed_worker_costs_a_retry_and_changes_nothing(calm: RunFolder, tmp_path: Path) -> None:
    disturbed = run_in(tmp_path)
    killer = Killer(*(disturbed.bank / f"round_{number:02d}" / "proposal.npz" for number in (0, 2)))
    killer.start()
    train(EXPERIMENT, tmp_path, SMALLER + ALONE)
    killer.ended.set()
    killer.join()
    assert killer.killed >= 2
    before, after = bank(calm), bank(disturbed)
    assert list(before) == list(after)
    assert all(np.array_equal(before[key], after[key], equal_nan=True) for key in before)
    assert told(calm) == told(disturbed)


@pytest.mark.filterwarnings("ignore:Call to deprecated create function")
def test_through_stand_ins_it_sees_the_same_images_learns_the_same_and_says_the_same(
    calm: RunFolder, tmp_path: Path
) -> None:
    through = train(EXPERIMENT, tmp_path, SMALLER + THROUGH)
    for name in ("images", "bank", "graphs"):
        files = [p.relative_to(calm.path) for p in sorted((calm.path / name).rglob("*.*"))]
        assert files == [p.relative_to(through.path) for p in sorted((through.path / name).rglob("*.*"))]
        assert len(files) > 2
        for file in files:
            assert (calm.path / file).read_bytes() == (through.path / file).read_bytes(), file
    ours, theirs = (load_checkpoint(run.checkpoints / "last.pt")["network"] for run in (calm, through))
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours)
    assert told(calm)["attributes"]["object.yaw"]["w1"] is not None
    assert told(calm) == told(through)
