"""RunData: all that a report reads of a run; what is not there yet is None or empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from metasim.base.errors import InputError
from metasim.report.unfinished import populations_so_far
from metasim.runs.epochs import Epoch, load_epochs
from metasim.runs.folder import RunFolder
from metasim.runs.manifest import Manifest, Status
from metasim.runs.metrics import Line, read_metrics
from metasim.runs.population import Populations
from metasim.runs.salvage import salvaged
from metasim.runs.summary import Summary

Part = TypeVar("Part")
Model = TypeVar("Model", bound=BaseModel)

DISTRIBUTION = "metasim-scenegraph"


@dataclass(frozen=True)
class RunData:
    """A run as read from its folder.

    Attributes:
        folder: Where it lies.
        manifest: Times, machine, render counts.
        status: What became of it.
        summary: The numbers it ended with; ``None`` before its end.
        populations: Attribute values; of a run without an end those of its first and last epoch;
            ``None`` before the first epoch.
        metrics: Lines of the log.
        epochs: Attribute values at moments of the training.
        judged: Whether the populations are those that the run was judged by.
        faults: What could not be read, a line each: files of another version, or damaged ones.
    """

    folder: RunFolder
    manifest: Manifest
    status: Status
    summary: Summary | None
    populations: Populations | None
    metrics: list[Line]
    epochs: list[Epoch] = field(default_factory=list)
    judged: bool = True
    faults: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Experiment and seed in a few characters."""
        return f"{self.manifest.experiment} / {self.manifest.seed}"

    @property
    def version(self) -> str:
        """The version of metasim that made it, empty if unknown."""
        return self.manifest.versions.get(DISTRIBUTION, "")

    @property
    def foreign(self) -> bool:
        """Whether another version made it."""
        return self.version not in ("", version(DISTRIBUTION))


def load_run(folder: RunFolder) -> RunData:
    """Reads a run, finished or not, of this version or another.

    Raises:
        InputError: If the folder is no run.
    """
    if not folder.manifest.exists():
        raise InputError(str(folder.path), "no manifest.json", "the folder of a run")
    faults: list[str] = []
    manifest = _salvaged(Manifest, folder.manifest, faults) or _nameless(folder)
    populations = _read(Populations.load, folder.population, faults)
    judged = populations is not None
    epochs = _read(load_epochs, folder.epochs, faults) or []
    if not judged and epochs:
        populations = _read(lambda _: populations_so_far(folder, epochs), folder.config, faults)
    return RunData(
        folder=folder,
        manifest=manifest,
        status=folder.status_of(manifest),
        summary=_salvaged(Summary, folder.summary, faults),
        populations=populations,
        metrics=read_metrics(folder.metrics),
        epochs=_fitting(epochs, populations),
        judged=judged,
        faults=faults,
    )


def _salvaged(model: type[Model], path: Path, faults: list[str]) -> Model | None:
    def read(path: Path) -> Model | None:
        found, told = salvaged(model, path)
        faults.extend(told)
        return found

    return _read(read, path, faults)


def _read(read: Callable[[Path], Part], path: Path, faults: list[str]) -> Part | None:
    """What a file holds; ``None`` if there is none, or if it cannot be read, which is noted."""
    if not path.exists():
        return None
    try:
        return read(path)
    except InputError as error:
        faults.append(str(error))
        return None


def _nameless(folder: RunFolder) -> Manifest:
    """What the place of a run tells, where its manifest cannot be read."""
    seed = folder.path.name
    return Manifest(
        experiment=folder.path.absolute().parent.name, seed=int(seed) if seed.isdecimal() else 0, digest=""
    )


def _fitting(epochs: list[Epoch], populations: Populations | None) -> list[Epoch]:
    """Epochs that have the columns of the populations."""
    width = len(populations.columns) if populations else 0
    return [epoch for epoch in epochs if epoch.values.shape[1] == width]
