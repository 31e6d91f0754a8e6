"""The stage: it goes where labels lie, within its trust, and leaves the law alone where nothing is gained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from task_scenes import LAYOUT, draw, labelled  # pyright: ignore[reportMissingImports]

from metasim.config import TaskConfig
from metasim.matching.task.labels import Labelled
from metasim.matching.task.material import Material
from metasim.matching.task.stage import TaskStage
from metasim.matching.task.tilt import divergence
from metasim.runs.checkpoint import load_checkpoint

BLUE = 5  # of the statistics: two places, their squares, red, blue


def stage(
    labels: Labelled, trust: float = 0.3, credit: Literal["influence", "reinforce"] = "influence"
) -> TaskStage:
    config = TaskConfig(kind="classify", labels=20, trust=trust, rounds=2, credit=credit)
    renders = draw(np.random.default_rng(0), 300, noise=110)
    material = Material(renders, np.full(300, 1 / 300))
    return TaskStage(config, LAYOUT, labels, material, 0.2, 0, torch.device("cpu"))


def test_the_law_follows_skewed_labels_as_far_as_trusted(tmp_path: Path) -> None:
    tuner = stage(labelled(draw(np.random.default_rng(1), 120, blue=0.93, noise=110)))
    lines: list[dict[str, float]] = []
    outcome = tuner.run(lambda _, values: lines.append(values))
    assert outcome.words.startswith("task: tuned, loss on 60 held-back labels")
    weights = tuner.weights(outcome.coefficients)
    assert float(weights[tuner.material.renders.classes[:, 0] == 1].sum()) > 0.6
    assert divergence(weights, tuner.material.weights) <= 0.3 + 1e-9
    assert [set(line) for line in lines] == [{"loss", "wrong", "divergence"}] * 2
    tuner.save(tmp_path / "task.pt", outcome.coefficients)
    np.testing.assert_array_equal(load_checkpoint(tmp_path / "task.pt")["tuned"].numpy(), weights)


@pytest.mark.parametrize("credit", ["influence", "reinforce"])
def test_a_task_that_never_improves_says_why(credit: Literal["influence", "reinforce"]) -> None:
    """Labels that have nothing to do with the images."""
    renders = draw(np.random.default_rng(1), 40)
    mixed = replace(renders, classes=np.random.default_rng(2).permutation(renders.classes))
    outcome = stage(labelled(mixed), credit=credit).run(lambda *_: None)
    assert not outcome.coefficients.any()
    assert outcome.words.startswith("task: not tuned, its network learns nothing of labelled images")
