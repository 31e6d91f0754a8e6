"""RunData: all that a report reads of a run; what is not there yet is None or empty."""

from __future__ import annotations

from dataclasses import dataclass

from metasim.base.errors import InputError
from metasim.runs.folder import RunFolder
from metasim.runs.manifest import Manifest, Status
from metasim.runs.metrics import Line, read_metrics
from metasim.runs.population import Populations
from metasim.runs.summary import Summary


@dataclass(frozen=True)
class RunData:
    """A run as read from its folder.

    Attributes:
        folder: Where it lies.
        manifest: Times, machine, render counts.
        status: What became of it.
        summary: The numbers it ended with; ``None`` before its end.
        populations: Attribute values; ``None`` before the first stage that writes them.
        metrics: Lines of the log.
    """

    folder: RunFolder
    manifest: Manifest
    status: Status
    summary: Summary | None
    populations: Populations | None
    metrics: list[Line]

    @property
    def name(self) -> str:
        """Experiment and seed in a few characters."""
        return f"{self.manifest.experiment} / {self.manifest.seed}"


def load_run(folder: RunFolder) -> RunData:
    """Reads a run, finished or not.

    Raises:
        InputError: If the folder is no run, or one of its files is damaged.
    """
    if not folder.manifest.exists():
        raise InputError(str(folder.path), "no manifest.json", "the folder of a run")
    return RunData(
        folder=folder,
        manifest=Manifest.load(folder.manifest),
        status=folder.status(),
        summary=Summary.load(folder.summary) if folder.summary.exists() else None,
        populations=Populations.load(folder.population) if folder.population.exists() else None,
        metrics=read_metrics(folder.metrics),
    )
