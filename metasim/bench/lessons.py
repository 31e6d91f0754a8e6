"""Lessons: what the task bench's networks learn from, and what they are tested on."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from metasim.base.files import whole_file, write_text
from metasim.base.streams import stream
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.bank import Bank, Renders, Scenes
from metasim.matching.generator import Generator
from metasim.matching.task.kind import Task, task_of
from metasim.matching.task.labels import CLASS, IMAGE
from metasim.matching.task.learner import Lesson
from metasim.pipeline import Experiment
from metasim.pipeline.engine import target_options
from metasim.rendering.pool import RenderPool
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder
from metasim.scene.layout import Array

SKEWED = 0.8  # share of the classes that the labelled target is mostly of
BESIDE = ("prior", "target")  # the grammar as it is, and the target's own law, drawn by the run's engine


@dataclass(frozen=True)
class Lessons:
    """Images with the right answers.

    Attributes:
        experiment: The experiment without its task, whose labels may not be there yet.
        task: The task.
        target: Grammar of the labelled target.
    """

    experiment: Experiment
    task: Task
    target: SceneGrammar

    @classmethod
    def of(cls, config: ExperimentConfig, skew: tuple[str, ...]) -> Lessons:
        """The lessons of an experiment whose labelled target is mostly of some classes, or as it is."""
        task = config.matching.task
        assert task is not None
        matching = config.matching.model_copy(update={"task": None})
        experiment = Experiment.prepare(config.model_copy(update={"matching": matching}))
        assert experiment.target_grammar is not None
        target = _skewed(experiment.target_grammar, skew)
        return cls(experiment, task_of(task, experiment.layout), target)

    def write_labels(self, path: Path, count: int) -> None:
        """Labelled images of the target as files, as a user gives them; nothing if they are there."""
        if path.exists():
            return
        renders = self._target_renders(count, "bench/labels")
        known = self.experiment.layout.choices[0].classes
        table = io.StringIO(newline="")
        rows = csv.writer(table)
        rows.writerow([IMAGE, CLASS])
        for i, (image, kinds) in enumerate(zip(renders.images, renders.classes, strict=True)):
            name = f"{i:04d}.png"
            with whole_file(path.parent / name) as file:
                Image.fromarray(image).save(file, "PNG")
            rows.writerow([name, known[kinds[0]]])
        write_text(path, table.getvalue())

    def test(self, count: int) -> Lesson:
        """Images of the labelled target that nothing has learnt from."""
        return self._lesson(self._target_renders(count, "bench/test"))

    def of_run(self, run: RunFolder, budget: int) -> dict[str, tuple[Lesson, Array]]:
        """What matched and, where it differs, tuned generator have to show for as many renders.

        Renders that the run has learnt from count, and are learnt from again by their weight.

        Args:
            run: A finished run with the task.
            budget: Renders of each.
        """
        kept = {k: v.numpy() for k, v in load_checkpoint(run.checkpoints / "task.pt").items()}
        earlier = self._earlier(run)
        config = self.experiment.config
        found: dict[str, tuple[Lesson, Array]] = {}
        with RenderPool(config.renderer.kind, config.renderer.options) as pool:
            of = self._scenes(pool)
            for kind, file in {"matched": "matched.pt", "tuned": "best.pt"}.items():
                if kind == "tuned" and not kept["tilt"].any():
                    continue
                generator = Generator.load(run.checkpoints / file)
                more = of.render(generator.scenes(budget - len(earlier), "bench/more"), "bench/more")
                # What is drawn anew counts as much a render as the fullest of the others.
                weights = np.concatenate([kept[kind], np.full(len(more), kept["matched"].max())])
                found[kind] = (self._lesson(Renders.joined([earlier, more])), weights / weights.sum())
        return found

    def beside(self, kind: str, count: int) -> tuple[Lesson, Array]:
        """Renders of one of ``BESIDE``, by the engine that a run learns with; raises KeyError if unknown."""
        grammar = {"prior": self.experiment.grammar, "target": self.target}[kind]
        options = self.experiment.config.renderer.options
        lesson = self._lesson(self._renders(grammar, count, f"bench/{kind}", options))
        return lesson, np.full(len(lesson), 1 / len(lesson))

    def _earlier(self, run: RunFolder) -> Renders:
        """All renders that a run has learnt from, in the order of their weights."""
        with RenderPool(
            self.experiment.config.renderer.kind, self.experiment.config.renderer.options
        ) as pool:
            bank = Bank(run.bank, self._scenes(pool))
        for _ in sorted(run.bank.glob("round_*")):
            bank.load()
        drawn = [Renders.load(run.bank / name) for name in ("task.npz", "rehearsal.npz")]
        return Renders.joined([*drawn, bank.renders])

    def _target_renders(self, count: int, stage: str) -> Renders:
        return self._renders(self.target, count, stage, target_options(self.experiment.config))

    def _renders(self, grammar: SceneGrammar, count: int, stage: str, options: Mapping[str, Any]) -> Renders:
        config = self.experiment.config
        graphs = [grammar.sample(stream(config.seed, stage, i)) for i in range(count)]
        with RenderPool(config.renderer.kind, options) as pool:
            return self._scenes(pool).render(graphs, stage)

    def _scenes(self, pool: RenderPool) -> Scenes:
        return Scenes(self.experiment.grammar, self.experiment.layout, pool, self.experiment.config.seed)

    def _lesson(self, renders: Renders) -> Lesson:
        return Lesson(renders.images, self.task.goals(renders.units, renders.classes))


def _skewed(grammar: SceneGrammar, skew: tuple[str, ...]) -> SceneGrammar:
    if not skew:
        return grammar
    (symbol,) = (s for s in grammar.schema.symbols if len(s.classes) > 1)
    rest = len(symbol.classes) - len(skew)
    shares = {c: SKEWED / len(skew) if c in skew else (1 - SKEWED) / rest for c in symbol.classes}
    return grammar.with_class_weights({symbol.name: shares})
