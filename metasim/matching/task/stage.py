"""TaskStage: the matched law is tilted towards what a task network needs, and kept only if that helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy.stats import sem

from metasim.config import TaskConfig
from metasim.matching.plan import LEAST_STEPS
from metasim.matching.population import Population
from metasim.matching.task.credit import Credit, Influence, Reinforce
from metasim.matching.task.kind import Task, task_of
from metasim.matching.task.labels import Labelled
from metasim.matching.task.learner import Learner, Lesson
from metasim.matching.task.material import Material
from metasim.matching.task.tilt import (
    Statistics,
    Weighed,
    tilted_population,
    weighed_population,
    within_trust,
)
from metasim.runs.checkpoint import save_checkpoint
from metasim.runs.progress import Progress
from metasim.scene.layout import Array, SceneLayout
from metasim.stats.gains import clearly_better

RATE = 0.6  # of the tilt along its gradient, which is in correlations
PROOFS = 2  # pairs of networks that decide
PROOF_STEPS = 4  # times those of a round

Record = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Outcome:
    """What the stage has found.

    Attributes:
        coefficients: (F,) of the tilt; all zero if the law stays what it was.
        words: What people are told, with the reason.
    """

    coefficients: Array
    words: str


@dataclass(frozen=True)
class TaskStage:
    """Everything that the tuning of a law takes.

    Attributes:
        config: Section of the experiment.
        layout: Columns and choices of its scenes.
        labelled: Images of the target with their truth.
        population: The matched law.
        material: Renders with weights under it.
        effort: Factor on the optimiser steps.
        seed: Root seed.
        device: Where the network lives.
    """

    config: TaskConfig
    layout: SceneLayout
    labelled: Labelled
    population: Population
    material: Material
    effort: float
    seed: int
    device: torch.device

    @cached_property
    def task(self) -> Task:
        """What the network is asked."""
        return task_of(self.config, self.layout)

    @cached_property
    def statistics(self) -> Statistics:
        """What the tilt may depend on."""
        sizes = self.layout.class_numbers
        scenes, weights = self.material.renders, self.material.weights
        return Statistics.of(scenes.units, scenes.classes, weights, self.layout.periodic, sizes)

    @cached_property
    def _law(self) -> Weighed:
        renders = self.material.renders
        return Weighed(self.material.weights, self.statistics(renders.units, renders.classes))

    @property
    def steps(self) -> int:
        """Optimiser steps of a round."""
        return max(round(self.effort * self.config.steps), LEAST_STEPS)

    def run(self, record: Record, progress: Progress) -> Outcome:
        """Tilts the law round by round, then lets images that guided nothing decide on it.

        Args:
            record: Told what each round has come to.
            progress: Told how far the networks are that decide, which take longer than the rounds.
        """
        guide, proof = (self._lesson(half) for half in self.labelled.halves())
        law = self._law
        laws = (law, weighed_population(self.population, self.statistics))
        nothing = np.zeros(law.statistics.shape[1])
        tilt, learner = nothing, self._learner("task")
        credit = self._credit(guide)
        for number in range(self.config.rounds):
            weights = law.tilted(tilt)
            way = credit.direction(learner, self._material, weights, law.statistics, self.steps, number)
            tilt = within_trust(laws, tilt + RATE * way, self.config.trust)
            moved = max(each.divergence(tilt) for each in laws)
            found = {"loss": learner.losses(guide).mean(), "wrong": learner.errors(guide).mean()}
            record(number, {**{name: float(value) for name, value in found.items()}, "divergence": moved})
        loss, chance = float(learner.losses(guide).mean()), self._chance(guide, law.tilted(tilt))
        if loss >= chance:
            said = f"its network learns nothing of labelled images (loss {loss:.3g}, chance {chance:.3g})"
            return Outcome(nothing, f"task: not tuned, {said}")
        return self._decided(tilt, nothing, proof, progress)

    def weights(self, coefficients: Array) -> Array:
        """(n,) weights of the material under a tilt; they sum to 1."""
        return self._law.tilted(coefficients)

    def save(self, path: Path, coefficients: Array) -> None:
        """Writes a tilt, and what the renders of the material weigh without it and with it."""
        weights = {"matched": self.material.weights, "tuned": self.weights(coefficients)}
        kept = {"tilt": coefficients, **weights}
        save_checkpoint(path, {name: torch.from_numpy(values) for name, values in kept.items()})

    def tilted(self, coefficients: Array) -> Population:
        """The population under a tilt; the matched one itself if there is none."""
        if not coefficients.any():
            return self.population
        return tilted_population(self.population, self.statistics, coefficients)

    def _decided(self, tilt: Array, nothing: Array, proof: Lesson, progress: Progress) -> Outcome:
        """The tilt, if networks that learn by it are better on held-back images by more than chance."""
        progress.start("task/proof", 2 * PROOFS * PROOF_STEPS * self.steps)
        before, after = (self._proved(self.weights(t), proof, progress) for t in (nothing, tilt))
        gain = before - after
        said = (
            f"loss on {len(gain)} held-back labels {before.mean():.3g} -> {after.mean():.3g} "
            f"(better by {gain.mean():.2g} +- {sem(gain):.2g})"
        )
        if clearly_better(gain):
            return Outcome(tilt, f"task: tuned, {said}")
        return Outcome(nothing, f"task: not tuned, since it is not clearly better: {said}")

    def _credit(self, guide: Lesson) -> Credit:
        return Influence(guide) if self.config.credit == "influence" else Reinforce(guide, self.seed)

    def _proved(self, weights: Array, proof: Lesson, progress: Progress) -> Array:
        """(m,) loss of held-back images, a mean over networks; the same weights and batches for every law."""
        losses = []
        for k in range(PROOFS):
            learner = self._learner(f"task/proof/{k}")
            steps = PROOF_STEPS * self.steps
            learner.learn(self._material, weights, steps, lambda _: progress.advance())
            losses.append(learner.losses(proof))
        return np.mean(losses, axis=0)

    def _learner(self, stage: str) -> Learner:
        height, width = self.labelled.images.shape[1:3]
        return Learner(self.task, (height, width), self.seed, stage, self.device)

    def _chance(self, guide: Lesson, weights: Array) -> float:
        """Loss of who has seen no image, and says of all what is best for those learnt from.

        Not what is best for the guide's: how often each answer is right there, only its labels tell.
        """
        said = self.task.constant(torch.from_numpy(self._material.goals), torch.from_numpy(weights).float())
        goals = torch.from_numpy(guide.goals)
        return float(self.task.losses(said.expand_as(goals), goals).mean())

    def _lesson(self, labelled: Labelled) -> Lesson:
        goals = self.task.goals(labelled.truth.units, labelled.truth.classes)
        return Lesson(labelled.images, goals)

    @property
    def _material(self) -> Lesson:
        renders = self.material.renders
        return Lesson(renders.images, self.task.goals(renders.units, renders.classes))
