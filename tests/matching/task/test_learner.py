"""Learners: they learn what is there, the same again from the same seed; bending leaves flat images alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from task_scenes import SIDE, draw  # pyright: ignore[reportMissingImports]

from metasim.matching.task.bending import bend
from metasim.matching.task.kind import Classify
from metasim.matching.task.learner import Learner, Lesson
from metasim.model.task_network import TaskNetwork


def taught(seed: int, rows: slice = slice(None)) -> tuple[Learner, Lesson]:
    task, rng = Classify(0, 2), np.random.default_rng(0)
    train, test = draw(rng, 200, noise=20), draw(rng, 60, noise=20)
    weights = np.zeros(200)
    weights[rows] = 1 / len(weights[rows])
    learner = Learner(task, (SIDE, SIDE), seed, "test", torch.device("cpu"))
    learner.learn(Lesson(train.images, task.goals(train.units, train.classes)), weights, 60)
    return learner, Lesson(test.images, task.goals(test.units, test.classes))


def test_colours_are_learnt_and_a_seed_says_all() -> None:
    (learner, test), (again, _), (other, _) = taught(0), taught(0), taught(1)
    assert learner.errors(test).mean() < 0.05
    np.testing.assert_array_equal(learner.losses(test), again.losses(test))
    assert not np.array_equal(learner.losses(test), other.losses(test))


def test_images_without_weight_teach_nothing() -> None:
    learner, test = taught(0, slice(0, 1))  # a single image: its class is all that is learnt
    assert learner.errors(test).mean() > 0.2


def test_a_flat_image_stays_as_it_is_and_others_do_not() -> None:
    flat, edge = torch.full((4, 12, 20, 3), 90.0), torch.zeros(4, 12, 20, 3)
    edge[:, :, 10:] = 200
    torch.testing.assert_close(bend(flat, torch.Generator().manual_seed(0)), flat)
    bent = bend(edge, torch.Generator().manual_seed(0))
    assert bent.shape == edge.shape
    assert all(not torch.equal(a, b) for a, b in zip(bent, edge, strict=True))
    assert not torch.equal(bent[0], bent[1])


@pytest.mark.parametrize("size", [(16, 16), (33, 20), (64, 64), (100, 75)])
def test_the_network_takes_images_of_any_size(size: tuple[int, int]) -> None:
    network = TaskNetwork(size, 4).eval()
    images = torch.zeros(2, *size, 3)
    assert network(images).shape == (2, 4)
    assert network.features(images).shape == (2, network.width)
