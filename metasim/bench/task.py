"""The task bench: networks that learn from generated images alone, tested on the target's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metasim.base.errors import InputError
from metasim.bench.lessons import BESIDE, Lessons
from metasim.config import ExperimentConfig, load_experiment
from metasim.matching.plan import plan_for
from metasim.matching.task.learner import Learner
from metasim.pipeline import Experiment
from metasim.runs.progress import Progress
from metasim.runs.summary import Summary

IMAGES = 5000  # renders that a network learns from, those the generator was learnt from among them
LABELS = 300
TESTED = 5000  # target images
STEPS = 4000  # of the network that is tested

Line = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """An experiment of the bench.

    Attributes:
        experiment: Its file, without the suffix.
        least: Least accuracy of the tuned generator's network, as published, with the real MNIST.
        skew: Classes that most of the labelled images and of those tested are of; by default the
            classes are those of the target.
    """

    experiment: str
    least: float | None = None
    skew: tuple[str, ...] = ()


ROWS = {
    "mnist_rotation": Row("mnist_rotation", 0.995),
    "mnist_rotation_translation": Row("mnist_rotation_translation", 0.993),
    "digits_rotation_skewed": Row("digits_rotation", skew=("4", "7", "9")),
}


@dataclass(frozen=True)
class TaskBench:
    """How good a network is that learns from a generator.

    Attributes:
        experiments: Folder of the experiments.
        out: Folder of the runs.
        digits: Folder of MNIST's four files; those bundled by default.
        changes: Further settings of the runs, ``path.to.key=value``.
        steps: Optimiser steps of the networks that are tested.
        images: Renders that each of them learns from; a generator's own are among them.
        beside: Further networks that are tested: of the grammar as it is (``prior``), and of the target's
            own law (``target``), which is what matching could give at best.
    """

    experiments: Path
    out: Path
    digits: Path | None = None
    changes: tuple[str, ...] = ()
    steps: int = STEPS
    images: int = IMAGES
    beside: tuple[str, ...] = ("prior",)

    def run(self, names: Sequence[str], seeds: Sequence[int], progress: Progress) -> Iterator[Line]:
        """Runs every row with every seed, or takes it from ``out``; yields a line each, then the summary.

        Raises:
            InputError: If a name is not one of the rows or networks, a run takes more renders than there
                are to be, or a row is judged by the prior, which is left out.
        """
        if unknown := set(names) - set(ROWS):
            raise InputError("--only", ", ".join(sorted(unknown)), f"some of {', '.join(ROWS)}")
        if unknown := set(self.beside) - set(BESIDE):
            raise InputError("--beside", ", ".join(sorted(unknown)), f"some of {', '.join(BESIDE)}")
        judged = [name for name in names if ROWS[name].least is None]
        if judged and "prior" not in self.beside:
            raise InputError("--beside", ",".join(self.beside) or "none", f"prior, which judges {judged[0]}")
        lines = []
        for name in names:
            for seed in seeds:
                progress.say(f"{name}, seed {seed}")
                lines.append(self._measured(name, seed, progress))
                yield lines[-1]
        passed = sum(line["passed"] for line in lines)
        yield {"bench": "task", "passed": passed, "of": len(lines), "runs": lines}

    def config(self, name: str, seed: int) -> ExperimentConfig:
        """The experiment of a row, with the task."""
        settings = [
            f"name=task_{name}",
            "matching.task.kind=classify",
            f"matching.task.labels={self._labels(name, seed).resolve()}",
            *([f"renderer.digits={self.digits.resolve()}"] if self.digits else []),
        ]
        path = self.experiments / f"{ROWS[name].experiment}.yaml"
        return load_experiment(path, [*settings, *self.changes], seed)

    def _measured(self, name: str, seed: int, progress: Progress) -> Line:
        row, config = ROWS[name], self.config(name, seed)
        lessons = Lessons.of(config, row.skew)
        matching, layout = config.matching, lessons.experiment.layout
        assert matching.task is not None
        taken = plan_for(layout, matching.renders).renders + matching.task.renders
        if self.images < taken:
            raise InputError("--images", str(self.images), f"at least the {taken} that {name} takes itself")
        lessons.write_labels(self._labels(name, seed), LABELS)
        experiment = Experiment.prepare(config)
        run = experiment.run(self.out, resume=True, progress=progress)
        test, found = lessons.test(TESTED), {}
        taught = lessons.of_run(run, self.images)
        taught |= {kind: lessons.beside(kind, self.images) for kind in self.beside}
        for kind, (lesson, weights) in taught.items():
            progress.start(f"network of {kind}", self.steps)
            size = (test.images.shape[1], test.images.shape[2])
            learner = Learner(lessons.task, size, seed, "bench/task", experiment.device)
            learner.learn(lesson, weights, self.steps, lambda _: progress.advance())
            found[kind] = (1 - float(learner.errors(test).mean()), float(learner.losses(test).mean()))
            progress.say(f"network of {kind}: accuracy {found[kind][0]:.4f}")
        return self._line(name, seed, found, Summary.load(run.summary).renders)

    def _line(self, name: str, seed: int, found: dict[str, tuple[float, float]], renders: int) -> Line:
        right = {kind: round(accuracy, 4) for kind, (accuracy, _) in found.items()}
        best = right.get("tuned", right["matched"])
        return {
            "experiment": name,
            "seed": seed,
            "digits": "bundled" if self.digits is None else "mnist",
            "renders": self.images,
            "renders_learning": renders,
            "tested": TESTED,
            "tuned": "tuned" in found,
            "accuracy": right,
            "accuracy_error": round(float(np.sqrt(best * (1 - best) / TESTED)), 4),
            "loss": {kind: round(loss, 4) for kind, (_, loss) in found.items()},
            "passed": best >= (ROWS[name].least or right["prior"]),
        }

    def _labels(self, name: str, seed: int) -> Path:
        return self.out / "labels" / name / str(seed) / "labels.csv"
