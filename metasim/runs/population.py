"""Populations: the attribute values a report compares: prior, generated, inferred, target."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.base.files import whole_file

Array = npt.NDArray[np.float64]

_OPTIONAL = ("inferred", "target")
_TOLD = "told_"


@dataclass(frozen=True)
class Column:
    """An attribute of a node.

    Attributes:
        name: ``<node>.<attribute>``, as in ``summary.json``.
        unit: Unit of its values.
        low: Least value.
        high: Greatest value.
        periodic: Whether ``low`` and ``high`` are the same value.
    """

    name: str
    unit: str
    low: float
    high: float
    periodic: bool = False


@dataclass(frozen=True)
class Populations:
    """Attribute values of scenes, a row a scene, NaN where a scene lacks the node.

    Attributes:
        columns: What the D columns are.
        prior: (n, D) draws of the grammar, in attribute units.
        generated: (n, D) draws of the generator.
        inferred: (k, D) values inferred from target images; ``None`` before there are any.
        target: (m, D) true values of a simulated target; ``None`` for real photographs.
        told: By population, (n, D) whether images determine the value, which those of some classes may
            not; the numbers of ``summary.json`` are of these. Without an entry they do everywhere.
    """

    columns: tuple[Column, ...]
    prior: Array
    generated: Array
    inferred: Array | None = None
    target: Array | None = None
    told: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("prior", "generated", *_OPTIONAL):
            values = getattr(self, name)
            if values is not None and (values.ndim != 2 or values.shape[1] != len(self.columns)):
                expected = f"(n, {len(self.columns)}): a column an attribute"
                raise InputError(f"population {name}", f"shape {values.shape}", expected)

    def save(self, path: Path) -> None:
        """Writes a whole ``.npz`` file."""
        arrays = {name: getattr(self, name) for name in ("prior", "generated", *_OPTIONAL)}
        with whole_file(path) as file:
            np.savez_compressed(
                file,
                columns=np.array([c.name for c in self.columns], dtype=np.str_),
                units=np.array([c.unit for c in self.columns], dtype=np.str_),
                ranges=np.array([(c.low, c.high) for c in self.columns], dtype=np.float64).reshape(-1, 2),
                periodic=np.array([c.periodic for c in self.columns], dtype=np.bool_),
                **{name: values for name, values in arrays.items() if values is not None},
                **{_TOLD + name: mask for name, mask in self.told.items()},
            )

    @classmethod
    def load(cls, path: Path) -> Populations:
        """Reads the file; ``InputError`` if it is missing, damaged or of another kind."""
        try:
            with np.load(path, allow_pickle=False) as file:
                data = dict(file)
            fields = zip(data["columns"], data["units"], data["ranges"], data["periodic"], strict=True)
            columns = tuple(
                Column(str(n), str(u), float(r[0]), float(r[1]), bool(p)) for n, u, r, p in fields
            )
            optional = {name: data[name] for name in _OPTIONAL if name in data}
            told = {name.removeprefix(_TOLD): mask for name, mask in data.items() if name.startswith(_TOLD)}
            return cls(columns, data["prior"], data["generated"], **optional, told=told)
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(str(path), f"not readable ({error})", "a population.npz of a run") from error
