"""A run that reuses a bank renders a fraction, and its result depends on its own target alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from small_runs import EXPERIMENTS, SMALL, train

from metasim.config import load_experiment
from metasim.matching.inheritance import find_lender
from metasim.matching.plan import LEAST_ROUND
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("brief_reports")

EXPERIMENT = "digits_rotation"
REUSING = (*SMALL, "matching.bank=reuse", "matching.renders=200")


def train_as(name: str, results: Path) -> RunFolder:
    return train(EXPERIMENT, results, (*REUSING, f"name={name}"))


def renders(run: RunFolder) -> int:
    return json.loads(run.summary.read_text())["renders"]


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunFolder]:
    """A run that finds no bank to reuse, and its heir; tests leave them as they are."""
    results = tmp_path_factory.mktemp("results")
    return train_as("lender", results), train_as("heir", results)


def test_an_heir_renders_one_round_beside_those_it_inherits(family: tuple[RunFolder, RunFolder]) -> None:
    """And rehearses, with a tenth of the renders."""
    lender, heir = family
    assert renders(heir) == LEAST_ROUND + 20
    assert renders(lender) == 200
    ours = {p.relative_to(heir.bank): p.read_bytes() for p in heir.bank.glob("round_*/*.npz")}
    theirs = {p.relative_to(lender.bank): p.read_bytes() for p in lender.bank.glob("round_*/*.npz")}
    assert theirs.items() < ours.items()
    assert load_checkpoint(heir.checkpoints / "last.pt")["inherited"] == 3


def test_an_heir_lends_in_turn_when_its_lender_is_gone(
    family: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    shutil.copytree(family[1].path, tmp_path / "heir" / "0")
    second = train_as("second", tmp_path)
    assert load_checkpoint(second.checkpoints / "last.pt")["inherited"] == 4


def test_a_bank_of_other_scenes_or_none_is_not_lent(
    family: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    lender = RunFolder(tmp_path / "lender" / "0")
    shutil.copytree(family[0].path, lender.path)

    def found(*changes: str) -> RunFolder | None:
        config = load_experiment(EXPERIMENTS / f"{EXPERIMENT}.yaml", [*REUSING, "name=heir", *changes])
        return find_lender(tmp_path, config, RunFolder(tmp_path / "heir" / "0"))

    assert found() == lender
    moved = RunFolder(tmp_path / "moved" / "0")  # beside a run whose scene is no longer there
    shutil.copytree(lender.path, moved.path)
    moved.config.write_text(moved.config.read_text().replace("kind: sprites", "kind: gone:Engine"))
    assert found() == lender
    assert found("renderer.size=24") is None
    shutil.rmtree(lender.bank)
    assert found() is None
