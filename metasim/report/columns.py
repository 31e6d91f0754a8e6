"""Columns: the values of one attribute by population, as they are drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metasim.report.bins import unwrapped
from metasim.runs.population import Populations

Array = npt.NDArray[np.float64]


def column_values(
    populations: Populations, index: int, more: dict[str, Array] | None = None
) -> dict[str, Array]:
    """Values of a column by population; absent populations are left out.

    Periodic values are cut open together, so that a mode about the seam stays in one piece.

    Args:
        populations: Prior, target, inferred, generated.
        index: Of the column.
        more: (n, D) values of further populations, drawn with them.
    """
    named = {
        "prior": populations.prior,
        "target": populations.target,
        "inferred": populations.inferred,
        "generated": populations.generated,
        **(more or {}),
    }
    found = {name: values[:, index] for name, values in named.items() if values is not None}
    column = populations.columns[index]
    if not column.periodic:
        return found
    opened = unwrapped(list(found.values()), column.low, column.high - column.low)
    return dict(zip(found, opened, strict=True))


def column_index(populations: Populations, name: str) -> int:
    """Place of an attribute by its name."""
    return [column.name for column in populations.columns].index(name)


def shown_unit(unit: str) -> str:
    """The unit as it is printed after a number."""
    return {"1": "", "deg": "°"}.get(unit, unit)
