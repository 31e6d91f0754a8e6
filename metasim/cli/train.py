"""The verb ``train``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import UseAppendAction, arg


@dataclass(frozen=True)
class Train:
    """Learns a generator from an experiment file and reports how well.

    Attributes:
        exp: The experiment, a YAML file.
        out: Folder of all runs; by default ``results`` beside the experiments.
        seed: Root seed; by default the experiment's.
        resume: Go on with a run that was interrupted.
        changes: ``path.to.key=value``: changes to the experiment, as often as needed.
    """

    exp: Annotated[Path, arg(metavar="FILE")]
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    seed: Annotated[int | None, arg(metavar="N")] = None
    resume: bool = False
    changes: Annotated[UseAppendAction[tuple[str, ...]], arg(name="set", metavar="KEY=VALUE")] = ()

    def run(self) -> int:
        """Trains; returns the exit status."""
        from rich.console import Console

        from metasim.config import load_experiment
        from metasim.pipeline import Experiment
        from metasim.report.page import write_report
        from metasim.report.run_data import load_run
        from metasim.report.tensorboard import write_tensorboard
        from metasim.runs.progress import show_progress

        experiment = Experiment.prepare(load_experiment(self.exp, self.changes, self.seed))
        progress = show_progress()
        try:
            folder = experiment.run(self.out or self._results(), self.resume, progress)
        finally:
            progress.close()
        run = load_run(folder)
        report = write_report(run)
        if folder.tensorboard.exists():
            write_tensorboard(run)
        Console().print(f"report: {report}", markup=False, highlight=False, soft_wrap=True)
        return 0

    def _results(self) -> Path:
        """``results`` beside the folder of experiments, wherever the command is called from."""
        for folder in self.exp.resolve().parents:
            if folder.name == "experiments":
                return folder.parent / "results"
        return Path("results")
