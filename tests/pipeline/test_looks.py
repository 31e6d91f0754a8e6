"""A target that looks otherwise: renders are made to look like it where they are read, never on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metasim.config import load_experiment
from metasim.pipeline import Experiment
from metasim.runs.progress import NoProgress
from metasim.runs.summary import Summary

pytestmark = pytest.mark.usefixtures("brief_reports")

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "digits_rotation.yaml"
CHANGED = (
    "target.changed=looks",
    "matching.renders=200",
    "matching.effort=0.02",
    "target.num=60",
    "verdict.draws=1",
    "verdict.permutations=20",
    "output.keep_images=4",
    "output.tensorboard=false",
)


def test_renders_are_made_to_look_like_the_target(tmp_path: Path) -> None:
    experiment = Experiment.prepare(load_experiment(EXPERIMENT, CHANGED))
    folder = experiment.run(tmp_path, resume=False, progress=NoProgress())
    verdict = Summary.load(folder.summary).verdict
    assert "made to look like it first: blur" in verdict.words
    for file in folder.bank.rglob("*.npz"):
        with np.load(file, allow_pickle=False) as rows:
            if "images" in rows:
                assert (np.median(rows["images"], axis=(1, 2)) == 0).all()
