"""A render worker that is killed during a training costs a retry and nothing else."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from metasim.cli import main
from metasim.rendering.process import ENTRY
from metasim.runs.folder import RunFolder

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "tyol" / "single_1_attr.yaml"
SMALL = (
    "matching.renders=100",
    "matching.effort=0.01",
    "target.num=30",
    "verdict.draws=1",
    "verdict.permutations=20",
    "renderer.size=16",
    "renderer.samples=1",
    "renderer.workers=1",
    "output.tensorboard=false",
)


def train(out: Path) -> RunFolder:
    changes = [word for change in SMALL for word in ("--set", change)]
    assert main(["train", "--exp", str(EXPERIMENT), "--out", str(out), *changes]) == 0
    return RunFolder(out / "tyol" / "single_1_attr" / "0")


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
            for child in psutil.Process().children():
                if child.status() != psutil.STATUS_ZOMBIE and ENTRY in child.cmdline():
                    child.kill()
                    self.killed += 1


def bank(folder: RunFolder) -> dict[str, Any]:
    """All arrays of the bank, by file and name."""
    files = sorted(folder.bank.rglob("*.npz"))
    return {
        f"{file.relative_to(folder.bank)}/{name}": array
        for file in files
        for name, array in np.load(file).items()
    }


@pytest.mark.blender
@pytest.mark.slow
def test_a_killed_worker_changes_nothing(tmp_path: Path) -> None:
    calm = train(tmp_path / "calm")
    disturbed = RunFolder(tmp_path / "disturbed" / "tyol" / "single_1_attr" / "0")
    killer = Killer(*(disturbed.bank / f"round_{number:02d}" / "proposal.npz" for number in (0, 2)))
    killer.start()
    train(tmp_path / "disturbed")
    killer.ended.set()
    killer.join()
    assert killer.killed >= 2
    before, after = bank(calm), bank(disturbed)
    assert list(before) == list(after)
    assert all(np.array_equal(before[key], after[key], equal_nan=True) for key in before)
    summaries = [json.loads(folder.summary.read_text()) for folder in (calm, disturbed)]
    for key in ("attributes", "classes", "correlations", "verdict", "renders"):
        assert summaries[0][key] == summaries[1][key]
