"""A run that reuses a bank renders a fraction, and its result depends on its own target alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from metasim.cli import main
from metasim.matching.plan import LEAST_ROUND
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "digits_rotation.yaml"
SMALL = (
    "matching.renders=200",
    "matching.effort=0.02",
    "target.num=60",
    "verdict.draws=1",
    "verdict.permutations=20",
    "output.tensorboard=false",
)


def train(out: Path, *more: str) -> RunFolder:
    words = [word for change in (*SMALL, *more) for word in ("--set", change)]
    assert main(["train", "--exp", str(EXPERIMENT), "--out", str(out), *words]) == 0
    name = next((m.partition("=")[2] for m in more if m.startswith("name=")), "digits_rotation")
    return RunFolder(out / name / "0")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("results")).path


@pytest.fixture
def lender(finished: Path, tmp_path: Path) -> RunFolder:
    """A finished run among results of its own."""
    shutil.copytree(finished, tmp_path / "digits_rotation" / "0")
    return RunFolder(tmp_path / "digits_rotation" / "0")


def test_an_heir_renders_one_round_beside_those_it_inherits(lender: RunFolder, tmp_path: Path) -> None:
    """And rehearses, with a tenth of the renders."""
    heir = train(tmp_path, "name=heir", "matching.bank=reuse")
    assert json.loads(heir.summary.read_text())["renders"] == LEAST_ROUND + 20
    assert json.loads(lender.summary.read_text())["renders"] == 200
    ours = {p.relative_to(heir.bank): p.read_bytes() for p in heir.bank.glob("round_*/*.npz")}
    theirs = {p.relative_to(lender.bank): p.read_bytes() for p in lender.bank.glob("round_*/*.npz")}
    assert theirs.items() < ours.items()
    assert load_checkpoint(heir.checkpoints / "last.pt")["inherited"] == 3


def test_an_heir_lends_in_turn_when_its_lender_is_gone(lender: RunFolder, tmp_path: Path) -> None:
    train(tmp_path, "name=heir", "matching.bank=reuse")
    shutil.rmtree(lender.path)
    second = train(tmp_path, "name=second", "matching.bank=reuse")
    assert load_checkpoint(second.checkpoints / "last.pt")["inherited"] == 4


@pytest.mark.parametrize("change", ["renderer.size=24", "no bank"])
def test_a_bank_of_other_scenes_or_none_is_not_reused(lender: RunFolder, tmp_path: Path, change: str) -> None:
    if change == "no bank":
        shutil.rmtree(lender.bank)
        change = "seed=0"
    heir = train(tmp_path, "name=heir", "matching.bank=reuse", change)
    assert json.loads(heir.summary.read_text())["renders"] == 200
