"""The stage: it goes where labels lie, within its trust, and leaves the law alone where nothing is gained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matching_scenes import one_normal  # pyright: ignore[reportMissingImports]
from task_scenes import LAYOUT, draw, labelled  # pyright: ignore[reportMissingImports]

from metasim.config import TaskConfig
from metasim.matching.bank import Renders
from metasim.matching.population import Population, Posteriors
from metasim.matching.task.labels import Labelled
from metasim.matching.task.material import Material
from metasim.matching.task.stage import TaskStage
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.progress import NoProgress

SEEN = 0.5  # share of the boxes


def population(renders: Renders) -> Population:
    """The law of some renders, as many images as they are, each known for certain."""
    posteriors = Posteriors(renders.units[:, None], renders.classes[:, None], np.zeros((len(renders), 1)))
    return Population(posteriors, np.ones((len(renders), 1)), one_normal(2), np.ones(len(renders), bool))


def stage(labels: Labelled, **changes: Any) -> TaskStage:
    settings = {"kind": "classify", "labels": 20, "trust": 0.3, "rounds": 2} | changes
    config = TaskConfig.model_validate(settings)
    renders = draw(np.random.default_rng(0), 300, seen=SEEN)
    material = Material(renders, np.full(300, 1 / 300))
    return TaskStage(config, LAYOUT, labels, population(renders), material, 0.1, 0, torch.device("cpu"))


class Counted(NoProgress):
    """Steps that were announced and those that were done."""

    total = done = 0

    def start(self, stage: str, total: int) -> None:
        self.total += total

    def advance(self, steps: int = 1, **values: float) -> None:
        self.done += steps


def test_the_law_follows_skewed_labels_as_far_as_trusted(tmp_path: Path) -> None:
    """Where a box is not seen its colour is guessed, better by who knows which is more frequent."""
    tuner = stage(labelled(draw(np.random.default_rng(1), 240, blue=0.95, seen=SEEN)))
    lines: list[dict[str, float]] = []
    counted = Counted()
    outcome = tuner.run(lambda _, values: lines.append(values), counted)
    assert 0 < counted.total == counted.done
    assert outcome.words.startswith("task: tuned, loss on 120 held-back labels")
    weights = tuner.weights(outcome.coefficients)
    assert float(weights[tuner.material.renders.classes[:, 0] == 1].sum()) > 0.6
    assert max(line["divergence"] for line in lines) <= 0.3 + 1e-9
    assert [set(line) for line in lines] == [{"loss", "wrong", "divergence"}] * 2
    tuner.save(tmp_path / "task.pt", outcome.coefficients)
    np.testing.assert_array_equal(load_checkpoint(tmp_path / "task.pt")["tuned"].numpy(), weights)


@pytest.mark.parametrize(
    ("kind", "credit"), [("classify", "influence"), ("classify", "reinforce"), ("pose", "influence")]
)
def test_a_task_that_never_improves_says_why(kind: str, credit: str) -> None:
    """Labels that have nothing to do with the images."""
    renders = draw(np.random.default_rng(1), 40)
    order = np.random.default_rng(2).permutation(40)
    mixed = replace(renders, units=renders.units[order], classes=renders.classes[order])
    outcome = stage(labelled(mixed), kind=kind, credit=credit).run(lambda *_: None, NoProgress())
    assert not outcome.coefficients.any()
    assert outcome.words.startswith("task: not tuned, its network learns nothing of labelled images")
