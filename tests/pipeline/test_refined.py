"""A refinement after an inversion is begun, kept and counted by what unseen target images say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_runs import SMALL, train

from metasim.matching.refinement import OURS
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder
from metasim.runs.metrics import read_metrics
from metasim.runs.progress import NoProgress

pytestmark = pytest.mark.usefixtures("brief_reports")

LEARNING = 60
PROOF = 15
STEPS = 2


class Heard(NoProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.words = ""

    def say(self, text: str) -> None:
        self.words += text


def refined(out: Path, heard: Heard, *more: str) -> RunFolder:
    sizes = "matching.renders=200", f"target.num={2 * LEARNING}", f"matching.refine_steps={STEPS}"
    return train("digits_rotation", out, (*SMALL, *sizes, *more), progress=heard)


def renders(folder: RunFolder) -> int:
    return json.loads(folder.summary.read_text())["renders"]


@pytest.fixture(scope="module")
def unrefined(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return refined(tmp_path_factory.mktemp("unrefined"), Heard())


def test_a_start_that_is_told_apart_is_refined_and_kept_only_if_nearer(
    unrefined: RunFolder, tmp_path: Path
) -> None:
    heard = Heard()
    folder = refined(tmp_path, heard, "matching.refine=score")
    assert renders(folder) == renders(unrefined) + STEPS * OURS.batch + 2 * PROOF
    assert sum(line["stage"] == "refine" for line in read_metrics(folder.metrics)) == STEPS
    ours, theirs = (load_checkpoint(f.checkpoints / "last.pt")["network"] for f in (folder, unrefined))
    same = all((ours[name] == theirs[name]).all() for name in ours)
    assert same == ("undone" in heard.words)


def test_a_start_that_passes_is_left_alone(
    unrefined: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metasim.matching.safeguard.LEVEL", 0.0)  # so that every start passes
    folder = refined(tmp_path, Heard(), "matching.refine=score")
    assert renders(folder) == renders(unrefined) + PROOF
    ours, theirs = (load_checkpoint(f.checkpoints / "last.pt")["network"] for f in (folder, unrefined))
    assert all((ours[name] == theirs[name]).all() for name in ours)
