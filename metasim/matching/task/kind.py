"""Kinds of task: what a downstream network is to say of an image, and how wrong it is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import override

from metasim.base.errors import InputError
from metasim.config import TaskConfig
from metasim.scene.layout import Array, Classes, SceneLayout

CLASSIFY, POSE = "classify", "pose"
Goals = npt.NDArray[np.float32]


class Task(ABC):
    """What is asked of the network; losses are those of generalised linear models in its last layer."""

    bends: bool
    """Whether an image may be bent a little without another answer being right."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers the network gives for an image."""

    @abstractmethod
    def goals(self, units: Array, classes: Classes) -> Goals:
        """(n, outputs) what it should give for scenes of (n, D) attributes and (n, C) classes."""

    @abstractmethod
    def losses(self, out: Tensor, goals: Tensor) -> Tensor:
        """(n,) loss of each image."""

    @abstractmethod
    def residuals(self, out: Tensor, goals: Tensor) -> Tensor:
        """(n, outputs) gradients of the losses with respect to what the network gives."""

    @abstractmethod
    def constant(self, goals: Tensor, weights: Tensor) -> Tensor:
        """(outputs,) the answer that is best for all images alike, which (n,) weights of sum 1 count."""

    @abstractmethod
    def errors(self, out: Tensor, goals: Tensor) -> Tensor:
        """(n,) error of each image as people count it: 1 for a wrong class, shares of the range for poses."""


@dataclass(frozen=True)
class Classify(Task):
    """Which class a node has.

    Attributes:
        choice: Index of the node's choice in the layout.
        classes: How many classes there are.
    """

    choice: int
    classes: int
    bends = True

    @property
    @override
    def outputs(self) -> int:
        return self.classes

    @override
    def goals(self, units: Array, classes: Classes) -> Goals:
        return np.eye(self.classes, dtype=np.float32)[classes[:, self.choice]]

    @override
    def losses(self, out: Tensor, goals: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(out, goals, reduction="none")

    @override
    def residuals(self, out: Tensor, goals: Tensor) -> Tensor:
        return out.softmax(-1) - goals

    @override
    def constant(self, goals: Tensor, weights: Tensor) -> Tensor:
        return (weights @ goals).clamp(min=1e-6).log()

    @override
    def errors(self, out: Tensor, goals: Tensor) -> Tensor:
        return (out.argmax(-1) != goals.argmax(-1)).float()


@dataclass(frozen=True)
class Pose(Task):
    """All learnt attributes: periodic ones as a point of the circle, others as they are on [0, 1].

    Attributes:
        periodic: (D,) which attributes wrap.
    """

    periodic: npt.NDArray[np.bool_]
    bends = False

    @property
    @override
    def outputs(self) -> int:
        return len(self.periodic) + int(self.periodic.sum())

    @override
    def goals(self, units: Array, classes: Classes) -> Goals:
        turn = 2 * np.pi * units[:, self.periodic]
        # A circle of circumference 1: a small turn is as far as it is on the straight axes.
        circle = np.concatenate([np.cos(turn), np.sin(turn)], axis=1) / (2 * np.pi)
        return np.concatenate([units[:, ~self.periodic], circle], axis=1).astype(np.float32)

    @override
    def losses(self, out: Tensor, goals: Tensor) -> Tensor:
        return SHARPNESS * (out - goals).square().sum(-1) / 2

    @override
    def residuals(self, out: Tensor, goals: Tensor) -> Tensor:
        return SHARPNESS * (out - goals)

    @override
    def constant(self, goals: Tensor, weights: Tensor) -> Tensor:
        return weights @ goals

    @override
    def errors(self, out: Tensor, goals: Tensor) -> Tensor:
        straight = int((~self.periodic).sum())
        away = [(out - goals)[:, :straight].abs()]
        turned = [torch.atan2(*reversed(x[:, straight:].chunk(2, -1))) for x in (out, goals)]
        turn = (turned[0] - turned[1]) / (2 * math.pi)
        return torch.cat([*away, (turn - turn.round()).abs()], dim=-1).mean(-1)


SHARPNESS = 100.0  # a tenth of the range costs half a nat: a loss on the scale of a classifier's


def task_of(config: TaskConfig, layout: SceneLayout) -> Task:
    """The task that an experiment names.

    Raises:
        InputError: If there is no class to tell, or not one alone.
    """
    if config.kind == POSE:
        return Pose(layout.periodic)
    if len(layout.choices) != 1:
        found = ", ".join(choice.node for choice in layout.choices) or "none"
        raise InputError("matching.task.kind", f"classify, with classes of {found}", "one node with classes")
    return Classify(0, len(layout.choices[0].classes))
