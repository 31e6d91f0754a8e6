"""Tasks: residuals are gradients, the best constant answer is the best, angles wrap."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from metasim.matching.task.kind import Classify, Pose, Task

TASKS: tuple[Task, ...] = (Classify(0, 3), Pose(np.array([False, True, True])))


def goals(task: Task, count: int = 12) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(task.goals(rng.random((count, 3)), rng.integers(0, 3, (count, 1))))


@pytest.mark.parametrize("task", TASKS)
def test_residuals_are_the_gradients_of_the_losses(task: Task) -> None:
    wanted = goals(task)
    out = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (slope,) = torch.autograd.grad(task.losses(out, wanted).sum(), out)
    torch.testing.assert_close(task.residuals(out.detach(), wanted), slope)


@pytest.mark.parametrize("task", TASKS)
def test_the_constant_answer_has_no_slope_left(task: Task) -> None:
    wanted = goals(task)
    weights = torch.rand(len(wanted), generator=torch.Generator().manual_seed(0)).softmax(0)
    left = weights @ task.residuals(task.constant(wanted, weights).expand_as(wanted), wanted)
    torch.testing.assert_close(left, torch.zeros_like(left), atol=1e-5, rtol=0)


@pytest.mark.parametrize("task", TASKS)
def test_the_right_answer_has_no_error(task: Task) -> None:
    wanted = goals(task)
    assert task.errors(10 * wanted, 10 * wanted).abs().max() < 1e-6


def test_a_turn_across_the_end_of_the_range_is_small() -> None:
    task, none = Pose(np.array([True])), np.zeros((1, 0), np.int64)
    ahead, behind = (torch.from_numpy(task.goals(np.array([[u]]), none)) for u in (0.99, 0.01))
    assert float(task.errors(ahead, behind)) == pytest.approx(0.02, abs=1e-5)
