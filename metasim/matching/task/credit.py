"""Credit: which scenes a task network should have learnt from more often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from metasim.base.streams import stream
from metasim.matching.task.learner import Learner, Lesson
from metasim.scene.layout import Array

LOOKS = 4  # at the network of a round, evenly over its steps
BATCH = 256  # scenes that one reward is for
MEMORY = 0.7  # of the moving baseline, as published


class Credit(Protocol):
    """Trains the network for a round and says where the law should go."""

    def direction(
        self, learner: Learner, lesson: Lesson, weights: Array, statistics: Array, steps: int, number: int
    ) -> Array:
        """Gradient of the reward with respect to the coefficients of a tilt.

        Args:
            learner: The task network, which goes on from the round before.
            lesson: What it may learn from.
            weights: (n,) how often each image is drawn; they sum to 1.
            statistics: (n, F) of the scenes of the images.
            steps: Optimiser steps.
            number: Of the round.
        """
        ...


@dataclass(frozen=True)
class Influence:
    """Every image is credited with how much a step on it lowers the loss of labelled target images.

    To first order that is the product of the two gradients; those of the last layer stand for all, and
    their product needs no gradient but residuals and features. Summed over looks at the network as it
    learns (Pruthi, Liu, Kale and Sundararajan, "Estimating training data influence by tracing gradient
    descent", 2020; Koh and Liang, 2017, without the inverse Hessian).

    Attributes:
        guide: Labelled target images.
    """

    guide: Lesson

    def direction(
        self, learner: Learner, lesson: Lesson, weights: Array, statistics: Array, steps: int, number: int
    ) -> Array:
        """Covariance of credit and statistics under the law, in units of the credit's spread."""
        pace = max(steps // LOOKS, 1)
        credits = np.zeros(len(lesson))

        def watch(done: int) -> None:
            nonlocal credits
            if done % pace == 0:
                credits = credits + self.credits(learner, lesson)

        learner.learn(lesson, weights, steps, watch)
        centred = credits - weights @ credits
        spread = np.sqrt(weights @ centred**2)
        return (weights * centred) @ statistics / max(float(spread), 1e-12)

    def credits(self, learner: Learner, lesson: Lesson) -> Array:
        """(n,) credits by the network as it stands."""
        seen, wrong = _read(learner, self.guide)
        slope, offset = wrong.T @ seen / len(seen), wrong.mean(0)
        features, residuals = _read(learner, lesson)
        credits = ((residuals @ slope) * features).sum(1) + residuals @ offset
        return credits.double().numpy()


@dataclass
class Reinforce:
    """All scenes of a batch share one reward, the accuracy it leads to, less a moving baseline.

    As in Meta-Sim (Kar et al., ICCV 2019); but the network goes on where the batch before has left it.

    Attributes:
        guide: Labelled target images.
        seed: Root seed of the batches.
    """

    guide: Lesson
    seed: int
    _baseline: float | None = field(default=None, init=False)

    def direction(
        self, learner: Learner, lesson: Lesson, weights: Array, statistics: Array, steps: int, number: int
    ) -> Array:
        """The score function's gradient from one batch."""
        rows = stream(self.seed, "task/batch", number).choice(len(lesson), BATCH, p=weights)
        learner.learn(lesson, np.bincount(rows, minlength=len(lesson)) / BATCH, steps)
        reward = -float(learner.errors(self.guide).mean())
        before = reward if self._baseline is None else self._baseline
        self._baseline = MEMORY * before + (1 - MEMORY) * reward
        score = (statistics[rows] - weights @ statistics).mean(0)
        return (reward - before) * BATCH * score


def _read(learner: Learner, lesson: Lesson) -> tuple[Tensor, Tensor]:
    """(n, width) features and (n, outputs) residuals of images."""
    features, out = learner.read(lesson.images)
    return features, learner.task.residuals(out, torch.from_numpy(lesson.goals))
