"""Epochs: the attribute values that a generator had at a few moments of its training."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.base.files import whole_file

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Epoch:
    """A moment of a training; its images lie in ``images/epoch_NNNN``.

    Attributes:
        number: Counted from 0, the prior's.
        stage: What had just been done.
        renders: Images rendered for learning by then.
        values: (n, D) attributes in their units, with the columns of ``population.npz``.
    """

    number: int
    stage: str
    renders: int
    values: Array

    @property
    def name(self) -> str:
        """Name of its files and folders."""
        return f"epoch_{self.number:04d}"

    def save(self, folder: Path) -> None:
        """Writes ``epoch_NNNN.npz`` whole."""
        with whole_file(folder / f"{self.name}.npz") as file:
            np.savez_compressed(
                file,
                stage=np.array(self.stage),
                renders=np.array(self.renders),
                values=self.values.astype(np.float32),
            )

    @classmethod
    def load(cls, path: Path) -> Epoch:
        """Reads the file; ``InputError`` if it is damaged or of another kind."""
        try:
            with np.load(path, allow_pickle=False) as file:
                values = file["values"].astype(np.float64)
                return cls(
                    int(path.stem.removeprefix("epoch_")), str(file["stage"]), int(file["renders"]), values
                )
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(str(path), f"not readable ({error})", "an epoch of a run") from error


def load_epochs(folder: Path) -> list[Epoch]:
    """All epochs of a folder in their order; none if there is no folder."""
    return [Epoch.load(path) for path in sorted(folder.glob("epoch_*.npz"))]
