"""A refinement after an inversion is begun, kept and counted by what unseen target images say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metasim.cli import main
from metasim.matching.refinement import OURS
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder
from metasim.runs.metrics import read_metrics

pytestmark = pytest.mark.usefixtures("brief_reports")

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "digits_rotation.yaml"
LEARNING = 60
PROOF = 15
STEPS = 2


def train(out: Path, *more: str) -> RunFolder:
    changes = (
        "matching.renders=200",
        "matching.effort=0.02",
        f"target.num={2 * LEARNING}",
        "verdict.draws=1",
        "verdict.permutations=20",
        "output.keep_images=4",
        "output.tensorboard=false",
        f"matching.refine_steps={STEPS}",
        *more,
    )
    words = [word for change in changes for word in ("--set", change)]
    assert main(["train", "--exp", str(EXPERIMENT), "--out", str(out), *words]) == 0
    return RunFolder(out / "digits_rotation" / "0")


def renders(folder: RunFolder) -> int:
    return json.loads(folder.summary.read_text())["renders"]


@pytest.fixture(scope="module")
def unrefined(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return train(tmp_path_factory.mktemp("unrefined"))


def test_a_start_that_is_told_apart_is_refined_and_kept_only_if_nearer(
    unrefined: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(tmp_path, "matching.refine=score")
    assert renders(folder) == renders(unrefined) + STEPS * OURS.batch + 2 * PROOF
    assert sum(line["stage"] == "refine" for line in read_metrics(folder.metrics)) == STEPS
    ours, theirs = (load_checkpoint(f.checkpoints / "last.pt")["network"] for f in (folder, unrefined))
    same = all((ours[name] == theirs[name]).all() for name in ours)
    assert same == ("undone" in capsys.readouterr().err)


def test_a_start_that_passes_is_left_alone(
    unrefined: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metasim.matching.trainer.LEVEL", 0.0)  # so that every start passes
    folder = train(tmp_path, "matching.refine=score")
    assert renders(folder) == renders(unrefined) + PROOF
    ours, theirs = (load_checkpoint(f.checkpoints / "last.pt")["network"] for f in (folder, unrefined))
    assert all((ours[name] == theirs[name]).all() for name in ours)
