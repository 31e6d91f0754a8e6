"""What a format is: it writes parts of samples, closes a dataset, and reads it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Sample


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset when its last part is written.

    Attributes:
        plan: What was asked for.
        class_names: All classes; class ids are 1 + the index here.
        keys: Keys of the samples by name of their part.
    """

    plan: ExportPlan
    class_names: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]]


class Writer(Protocol):
    """An open part."""

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, within the dataset, of the files that the part consists of."""
        ...

    def add(self, sample: Sample) -> None:
        """Writes a sample."""
        ...


class Format(Protocol):
    """A way to lay samples out on disk; equal samples must give equal bytes."""

    @property
    def name(self) -> str:
        """Its name on the command line."""
        ...

    @property
    def modalities(self) -> frozenset[Modality]:
        """What it can hold."""
        ...

    @property
    def required(self) -> frozenset[Modality]:
        """What it cannot do without."""
        ...

    def open(self, out: Path, part: Part) -> AbstractContextManager[Writer]:
        """Opens a part for writing; its files appear when the block ends well, and only then."""
        ...

    def summaries(self, part: Part) -> tuple[str, ...]:
        """Paths, within the dataset, of the files of a part that ``finalise`` reads."""
        ...

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Writes what describes the dataset as a whole.

        Returns:
            Paths, within the dataset, of the files written.
        """
        ...

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples of a dataset, part by part."""
        ...
