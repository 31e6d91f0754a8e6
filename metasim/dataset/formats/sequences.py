"""Sequences: the samples of a part, handed on one sequence after the other.

A scene that is seen once is a sequence of one frame. A sequence lies within one part, its frames one after
the other in the order in which they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Protocol

from metasim.dataset.formats.protocol import DatasetInfo, Part
from metasim.dataset.formats.staging import StagedFiles, staged_files
from metasim.dataset.sample import Sample


class OpenSequence(Protocol):
    """A sequence that is being written."""

    def add(self, sample: Sample) -> None:
        """Writes a frame."""
        ...

    def close(self) -> None:
        """Writes what describes all frames."""
        ...


Begin = Callable[[StagedFiles, Sample], OpenSequence]
"""Opens the sequence whose first frame is given."""


class SequenceWriter:
    """An open part, as files that appear when it is complete.

    Args:
        staged: Takes the files.
        begin: Opens a sequence.
    """

    def __init__(self, staged: StagedFiles, begin: Begin) -> None:
        self._staged, self._begin = staged, begin
        self._name: str | None = None
        self._open: OpenSequence | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, within the dataset, of the files of the part."""
        return self._staged.files

    def add(self, sample: Sample) -> None:
        """Writes a sample to its sequence."""
        name = sample.sequence or sample.key
        if self._open is None or name != self._name:
            self.close()
            self._name, self._open = name, self._begin(self._staged, sample)
        self._open.add(sample)

    def close(self) -> None:
        """Closes the last sequence."""
        if self._open is not None:
            self._open.close()
            self._open = None


class SequenceFormat:
    """What formats whose sequences describe themselves have in common.

    Attributes:
        begin: Opens a sequence.
    """

    begin: ClassVar[Begin]

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[SequenceWriter]:
        """Opens a part."""
        with staged_files(out) as staged:
            writer = SequenceWriter(staged, type(self).begin)
            yield writer
            writer.close()

    def summaries(self, part: Part) -> tuple[str, ...]:
        """None is read."""
        return ()

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Every sequence describes itself."""
        return ()
