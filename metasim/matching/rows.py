"""Rows: tables of scenes as dataclasses of arrays, row i of each for scene i."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from metasim.base.files import whole_file

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Rows:
    """What a dataclass of arrays of one length can do; its fields are the arrays."""

    def __len__(self) -> int:
        return len(next(iter(_columns(self).values())))

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Some of the rows."""
        return type(self)(**{name: values[rows] for name, values in _columns(self).items()})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All parts as one."""
        tables = [_columns(part) for part in parts]
        return cls(**{name: np.concatenate([table[name] for table in tables]) for name in tables[0]})

    def save(self, path: Path) -> None:
        """Writes a whole ``.npz`` file."""
        with whole_file(path) as file:
            np.savez(file, **_columns(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as data:
            return cls(**dict(data))


def _columns(rows: Any) -> dict[str, npt.NDArray[Any]]:
    table: DataclassInstance = rows
    return {field.name: getattr(table, field.name) for field in fields(table)}
