"""Forecast: how large an export becomes and how long it takes, told from its first samples."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from metasim.base.errors import InputError
from metasim.dataset.drawing import Drawn
from metasim.dataset.formats.protocol import Format
from metasim.dataset.sample import Sample
from metasim.dataset.store import Store

FIRST = 8  # scenes from which the size and time of the whole are told
RESERVE = 256 * 2**20  # bytes that an export leaves free on the disk


@dataclass(frozen=True)
class Forecast:
    """What a sample costs.

    Attributes:
        num: Scenes still to export.
        bytes_each: Bytes of a sample on disk.
        seconds_each: Seconds from scene to disk.
    """

    num: int
    bytes_each: float
    seconds_each: float

    @property
    def bytes_all(self) -> int:
        """Bytes of all."""
        return round(self.num * self.bytes_each)

    def __str__(self) -> str:
        minutes = self.num * self.seconds_each / 60
        each = f"{self.bytes_each / 1e3:.1f} kB and {self.seconds_each:.3f} s each"
        return (
            f"{self.num} scenes to export, {each}: about {self.bytes_all / 1e6:.1f} MB in {minutes:.1f} min"
        )


def forecast(
    format: Format,
    first: Sequence[Drawn],
    rendering: float,
    num: int,
    harmless: tuple[type[Exception], ...] = (),
) -> Forecast:
    """Writes the first samples to a temporary folder, and extrapolates.

    Args:
        format: The format.
        first: The first scenes; at least one has a sample.
        rendering: Seconds it took to draw and render them.
        num: Scenes still to export, these included.
        harmless: Errors of samples that the export goes on without.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        with format.open(Path(folder), first[0].part) as writer:
            for drawn in first:
                if isinstance(drawn.result, Sample):
                    with suppress(*harmless):
                        writer.add(drawn.result)
        size = sum((Path(folder) / path).stat().st_size for path in writer.files)
    seconds = rendering + time.perf_counter() - began
    return Forecast(num, size / len(first), seconds / len(first))


def require_space(store: Store, needed: int) -> None:
    """Refuses an export that would fill the disk on which its files are made.

    Args:
        store: The dataset.
        needed: Bytes still to be written there.

    Raises:
        InputError: If less is free, with ``RESERVE`` left over.
    """
    free = shutil.disk_usage(store.folder).free
    if free < needed + RESERVE:
        raise InputError(
            f"--out {store.name}",
            f"{free / 1e6:.0f} MB free on its disk",
            f"{(needed + RESERVE) / 1e6:.0f} MB for what is still to be written",
        )
