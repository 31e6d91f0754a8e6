"""Attribute histograms: prior, generated, target (and inferred) in shared bins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metasim.report.bins import shared_bins, shares, unwrapped
from metasim.report.figures import GENERATED, INFERRED, PRIOR, TARGET, figure
from metasim.runs.population import Column, Populations

Array = npt.NDArray[np.float64]

_COLUMNS = 3


def column_values(populations: Populations, index: int) -> dict[str, Array]:
    """Values of a column by population, as they are drawn; absent populations are left out."""
    named = {
        "prior": populations.prior,
        "target": populations.target,
        "inferred": populations.inferred,
        "generated": populations.generated,
    }
    found = {name: values[:, index] for name, values in named.items() if values is not None}
    column = populations.columns[index]
    if not column.periodic:
        return found
    opened = unwrapped(list(found.values()), column.low, column.high - column.low)
    return dict(zip(found, opened, strict=True))


def histogram(populations: Populations, index: int) -> Figure:
    """One attribute."""
    with figure(4.2, 2.3) as drawn:
        _draw(drawn.add_subplot(), populations.columns[index], column_values(populations, index))
    return drawn


def all_histograms(populations: Populations) -> Figure:
    """All attributes in a grid."""
    rows = max(-(-len(populations.columns) // _COLUMNS), 1)
    with figure(4.0 * _COLUMNS, 2.3 * rows) as drawn:
        for index, column in enumerate(populations.columns):
            axes = drawn.add_subplot(rows, _COLUMNS, index + 1)
            _draw(axes, column, column_values(populations, index))
    return drawn


def _draw(axes: Axes, column: Column, populations: dict[str, Array]) -> None:
    edges = shared_bins(list(populations.values()), column.low, column.high)
    for name, values in populations.items():
        height = shares(values, edges)
        if name == "inferred":
            axes.stairs(height, edges, color=INFERRED, linestyle="--", label=name)
        elif name == "generated":
            axes.stairs(height, edges, color=GENERATED, linewidth=1.6, label=name)
        else:
            colour = PRIOR if name == "prior" else TARGET
            axes.stairs(height, edges, color=colour, fill=True, alpha=0.45, label=name)
    axes.set_title(column.name)
    axes.set_xlabel("" if column.unit == "1" else column.unit)
    axes.set_ylabel("share a bin")
    axes.legend(fontsize=7)


def joint(populations: Populations, a: str, b: str) -> Figure:
    """Two attributes against each other, a panel a population, on common axes."""
    names = [column.name for column in populations.columns]
    first, second = names.index(a), names.index(b)
    panels = list(_panels(populations, first, second))
    with figure(2.5 * len(panels), 2.7) as drawn:
        shared = None
        for index, (name, colour, x, y) in enumerate(panels):
            axes = drawn.add_subplot(1, len(panels), index + 1, sharex=shared, sharey=shared)
            shared = shared or axes
            axes.scatter(x, y, s=3, color=colour, alpha=0.5, linewidths=0)
            axes.set_title(name)
            axes.set_xlabel(a)
            axes.set_ylabel(b if index == 0 else "")
    return drawn


def _panels(populations: Populations, a: int, b: int) -> Iterator[tuple[str, str, Array, Array]]:
    colours = {"prior": PRIOR, "generated": GENERATED, "target": TARGET}
    xs, ys = column_values(populations, a), column_values(populations, b)
    for name, colour in colours.items():
        if name in xs:
            yield name, colour, xs[name], ys[name]
