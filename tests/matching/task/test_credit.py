"""Credits: the influence is the product of two gradients, the baseline's reward is relative."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from task_scenes import PERIODIC, SIDE, draw  # pyright: ignore[reportMissingImports]

from metasim.matching.bank import Renders
from metasim.matching.task.credit import Influence, Reinforce
from metasim.matching.task.kind import Classify, Pose, Task
from metasim.matching.task.learner import Learner, Lesson


def lesson(task: Task, renders: Renders) -> Lesson:
    return Lesson(renders.images, task.goals(renders.units, renders.classes))


def learner(task: Task) -> Learner:
    return Learner(task, (SIDE, SIDE), 0, "test", torch.device("cpu"))


@pytest.mark.parametrize("task", [Classify(0, 2), Pose(PERIODIC)])
def test_influence_is_the_product_of_the_last_layers_gradients(task: Task) -> None:
    rng = np.random.default_rng(0)
    guide, material = (lesson(task, draw(rng, n)) for n in (5, 7))
    student = learner(task)
    last = student.network.last

    def gradient(images: np.ndarray, goals: np.ndarray) -> torch.Tensor:
        student.network.eval()
        out = last(student.network.features(torch.from_numpy(images).float()))
        loss = task.losses(out, torch.from_numpy(goals)).mean()
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, [last.weight, last.bias])])

    wanted = gradient(guide.images, guide.goals)
    rows = range(len(material))
    products = [float(gradient(material.images[i : i + 1], material.goals[i : i + 1]) @ wanted) for i in rows]
    np.testing.assert_allclose(Influence(guide).credits(student, material), products, rtol=1e-3, atol=1e-4)


def test_the_first_reward_is_the_baseline_and_later_ones_are_relative_to_it() -> None:
    task, rng = Classify(0, 2), np.random.default_rng(0)
    guide, material = (lesson(task, draw(rng, n)) for n in (20, 60))
    known, weights = rng.normal(size=(60, 3)), np.full(60, 1 / 60)
    credit, student = Reinforce(guide, 0), learner(task)
    ways = [credit.direction(student, material, weights, known, 20, k) for k in range(3)]
    assert not ways[0].any()
    assert all(np.isfinite(way).all() for way in ways)
