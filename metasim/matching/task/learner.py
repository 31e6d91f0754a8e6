"""Learner: a task network and the images it learns from, each as often as it weighs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from metasim.base.precision import reduced_precision
from metasim.base.streams import seeded_layers, stream, torch_stream
from metasim.base.threads import ahead
from metasim.matching.appearance import vary_appearance
from metasim.matching.task.bending import bend
from metasim.matching.task.kind import Goals, Task
from metasim.model.task_network import TaskNetwork
from metasim.scene.layout import Array

BATCH = 64
RATE = 4e-3
WEIGHT_DECAY = 1e-2
MEMORY = 0.995  # of the averaged weights
AT_ONCE = 250

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Lesson:
    """Images with the right answers.

    Attributes:
        images: (n, H, W, 3).
        goals: (n, outputs) what the network should give.
    """

    images: Images
    goals: Goals

    def __len__(self) -> int:
        return len(self.images)


class Learner:
    """A task network in training; what is read of it is the running average of its weights.

    Args:
        task: What is asked of it.
        size: Height and width of the images.
        seed: Root seed.
        stage: What it is trained for; with the seed it fixes weights, batches and changes of images.
        device: Where it lives.
    """

    def __init__(
        self, task: Task, size: tuple[int, int], seed: int, stage: str, device: torch.device
    ) -> None:
        self.task, self._seed, self._stage, self._device = task, seed, stage, device
        with seeded_layers(seed, f"{stage}/weights"):
            self.network = TaskNetwork(size, task.outputs).to(device)
        self._average = AveragedModel(self.network, avg_fn=_remembered, use_buffers=True)
        self._done = 0

    def learn(
        self, lesson: Lesson, weights: Array, steps: int, watch: Callable[[int], None] | None = None
    ) -> None:
        """Trains on, by one cycle of the learning rate.

        Args:
            lesson: The images.
            weights: (n,) how often each is drawn; they sum to 1.
            steps: Optimiser steps.
            watch: Told the number of steps done, after each.
        """
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.15)
        done = self._done

        def batch(step: int) -> tuple[Tensor, Tensor]:
            place = self._seed, self._stage, done + step
            rows = stream(*place).choice(len(lesson), BATCH, p=weights)
            images = self._changed(lesson.images[rows], torch_stream(*place))
            return images, torch.from_numpy(lesson.goals[rows])

        with seeded_layers(self._seed, f"{self._stage}/dropout/{self._done}"):
            for step, (images, goals) in enumerate(ahead(batch, steps)):
                loss = self._loss(images, goals)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                self._average.update_parameters(self.network)
                self._done += 1
                if watch is not None:
                    watch(step + 1)

    def _changed(self, shown: Images, generator: torch.Generator) -> Tensor:
        images = torch.from_numpy(shown).float()
        if self.task.bends:
            images = bend(images, generator)
        return vary_appearance(images, generator, hide=False)

    def _loss(self, images: Tensor, goals: Tensor) -> Tensor:
        self.network.train()
        with reduced_precision(self._device):
            out = self.network(images.to(self._device))
        return self.task.losses(out.float(), goals.to(self._device)).mean()

    @torch.no_grad()
    def read(self, images: Images) -> tuple[Tensor, Tensor]:
        """(n, width) what the averaged network's last layer sees of images, and (n, outputs) what it says."""
        network = self._average.module
        assert isinstance(network, TaskNetwork)
        network.eval()
        parts = np.array_split(images, max(1, len(images) // AT_ONCE))
        seen = [network.features(torch.from_numpy(part).to(self._device).float()) for part in parts]
        features = torch.cat(seen)
        return features.cpu(), network.last(features).cpu()

    def losses(self, lesson: Lesson) -> Array:
        """(n,) loss of each image."""
        out = self.read(lesson.images)[1]
        return self.task.losses(out, torch.from_numpy(lesson.goals)).double().numpy()

    def errors(self, lesson: Lesson) -> Array:
        """(n,) error of each image as people count it."""
        out = self.read(lesson.images)[1]
        return self.task.errors(out, torch.from_numpy(lesson.goals)).double().numpy()


def _remembered(average: Tensor, weights: Tensor, count: Tensor | int) -> Tensor:
    """The running average with the next weights; the first ones are soon forgotten."""
    memory = min(MEMORY, (1 + int(count)) / (10 + int(count)))
    return average + (1 - memory) * (weights - average)
