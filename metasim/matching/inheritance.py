"""Inheritance: a run takes over the bank and the networks of an earlier one for another target."""

from __future__ import annotations

import shutil
from pathlib import Path

from metasim.base.errors import InputError
from metasim.config import ExperimentConfig, load_experiment
from metasim.matching.resume import Checkpoint
from metasim.runs.configuration import scene_digest
from metasim.runs.folder import RunFolder, find_runs

ROUNDS = "round_*"


def find_lender(root: Path, config: ExperimentConfig, heir: RunFolder) -> RunFolder | None:
    """The finished run below a folder with the most renders of the same grammar and renderer.

    Args:
        root: Folder of all runs.
        config: The experiment of the run that inherits.
        heir: That run.
    """
    digest = scene_digest(config)
    lenders = [run for run in find_runs(root) if run.path != heir.path and _lends(run, digest)]
    return max(lenders, key=lambda run: (_size(run), str(run.path)), default=None)


def _lends(run: RunFolder, digest: str) -> bool:
    if not run.finished or not any(run.bank.glob(ROUNDS)):
        return False
    try:
        return scene_digest(load_experiment(run.config)) == digest
    except InputError:
        return False  # of an engine or a scene that is no longer there


def _size(run: RunFolder) -> int:
    return sum(path.stat().st_size for path in run.bank.rglob("*.npz"))


def inherit(lender: RunFolder, heir: RunFolder, checkpoint: Checkpoint) -> None:
    """Copies the rounds of the bank and takes over the networks: what is to be learnt starts from them.

    The copy keeps the run whole when the lender is deleted; nothing of the lender's target comes along
    but where its scenes lie, and an attribute network that is about to learn another population.

    Args:
        lender: A finished run.
        heir: A run that has rendered nothing yet.
        checkpoint: Its state.
    """
    shutil.rmtree(heir.bank, ignore_errors=True)  # what a killed attempt has left
    rounds = sorted(lender.bank.glob(ROUNDS))
    for folder in rounds:
        shutil.copytree(folder, heir.bank / folder.name)
    lent = Checkpoint.load(lender.checkpoints / "last.pt")
    checkpoint.keep(
        f"invert/{len(rounds) - 1}", network=lent.network, inverse=lent.inverse, inherited=len(rounds)
    )
