"""Same: runs and datasets made on a cluster against those made without one, byte for byte."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metasim.config import load_experiment
from metasim.pipeline import Experiment
from metasim.runs.folder import RunFolder
from metasim.runs.progress import Progress
from metasim.runs.summary import Summary

OF_RUNS = frozenset({"manifest.json", "tensorboard", "progress"})
OF_DATASETS = frozenset({"costs"})
"""What tells of the machine and of times, or again what other files tell, with times."""
TIMES = re.compile(rb'"(\w*seconds)": [0-9.e+-]+')
TIMED = ("summary.json", "metrics.jsonl")  # which hold times among other things

Line = dict[str, Any]
Exporter = Callable[[Path, Path, Sequence[str]], None]


@dataclass(frozen=True)
class SameBench:
    """Trains experiments, and exports the generator of the run made here, here and on a cluster.

    Attributes:
        experiments: Files of the experiments.
        out: Folder of the runs and datasets; what is finished is kept, what is not is gone on with.
        export: Exports the generator of a run to a folder, given changes of the executor.
        changes: Changes to the experiments.
    """

    experiments: Sequence[Path]
    out: Path
    export: Exporter
    changes: Sequence[str] = ()

    def run(self, address: str, progress: Progress) -> Iterator[Line]:
        """Compares; yields a line an experiment, then the summary.

        Args:
            address: Address of the cluster.
            progress: What the spectator sees.
        """
        there = ("executor.kind=ray", f"executor.address={address}")
        lines: list[Line] = []
        for experiment in self.experiments:
            sides = (("here", ()), ("there", there))
            runs = [self._run(experiment, *side, progress) for side in sides]
            datasets = [self._dataset(runs[0], *side) for side in sides]
            lines.append(_line(runs, datasets))
            yield lines[-1]
        yield {"bench": "same", "experiments": len(lines), "same": all(line["same"] for line in lines)}

    def _run(self, experiment: Path, side: str, executor: Sequence[str], progress: Progress) -> RunFolder:
        config = load_experiment(experiment, [*self.changes, *executor])
        progress.say(f"{config.name}, {side}")
        return Experiment.prepare(config).run(self.out / side, resume=True, progress=progress)

    def _dataset(self, run: RunFolder, side: str, executor: Sequence[str]) -> Path:
        place = self.out / "datasets" / side / run.path.relative_to(self.out / "here")
        self.export(run.path, place, executor)
        return place


def _line(runs: Sequence[RunFolder], datasets: Sequence[Path]) -> Line:
    here, there = (contents(run.path, OF_RUNS) for run in runs)
    first, second = (contents(dataset, OF_DATASETS) for dataset in datasets)
    different = [*differing(here, there), *(f"dataset/{path}" for path in differing(first, second))]
    summaries = [Summary.load(run.summary) for run in runs]
    return {
        "bench": "same",
        "experiment": summaries[0].experiment,
        "renders": summaries[0].renders,
        "run_files": len(here),
        "dataset_files": len(first),
        "different": different,
        "same": not different,
        "seconds_here": summaries[0].wall_seconds,
        "seconds_there": summaries[1].wall_seconds,
    }


def contents(folder: Path, left_out: frozenset[str]) -> dict[str, str]:
    """Hash of each file by its path, times in it left out.

    Args:
        folder: The folder.
        left_out: Files and folders in it that do not count.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not left_out & {inside.parts[0]} and not path.name.startswith("."):
            data = path.read_bytes()
            data = TIMES.sub(rb'"\1": 0', data) if str(inside) in TIMED else data
            found[str(inside)] = hashlib.sha256(data).hexdigest()
    return found


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Files that are not the same in both, or are in one alone."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))
