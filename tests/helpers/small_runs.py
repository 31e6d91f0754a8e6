"""Small runs: settings under which a whole training takes seconds, and such a training without its report."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from metasim.config import load_experiment
from metasim.pipeline import Experiment
from metasim.runs.folder import RunFolder
from metasim.runs.progress import NoProgress, Progress

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SMALL = (
    "matching.renders=100",
    "matching.effort=0.02",
    "target.num=60",
    "verdict.draws=1",
    "verdict.permutations=20",
    "output.keep_images=4",
    "output.tensorboard=false",
)


def train(
    experiment: str,
    out: Path,
    changes: Iterable[str] = SMALL,
    resume: bool = False,
    progress: Progress | None = None,
) -> RunFolder:
    """Trains an experiment of this project in a folder of results."""
    config = load_experiment(EXPERIMENTS / f"{experiment}.yaml", [*changes])
    return Experiment.prepare(config).run(out, resume, progress or NoProgress())


def told(changes: Iterable[str] = SMALL) -> list[str]:
    """Settings as words of a command line."""
    return [word for change in changes for word in ("--set", change)]
