"""Densities: an attribute before and after matching and in the target, in shared bins, moment by moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metasim.report.bins import shared_bins, shares
from metasim.report.columns import Array, column_values
from metasim.report.figures import GENERATED, INFERRED, PRIOR, TARGET, figure
from metasim.report.frames import frames
from metasim.report.run_data import RunData
from metasim.runs.population import Column

_COLUMNS = 3
_HEADROOM = 1.12


@dataclass(frozen=True)
class Density:
    """Shares of one attribute's values in bins that all populations and moments have in common.

    Attributes:
        column: The attribute.
        edges: (B + 1,) edges of the bins.
        shares: (B,) by population: ``prior``, ``target``, ``inferred``, as far as there are any.
        moments: (B,) by moment of the training, under its place among ``frames``.
        untold: (B,) the part of the last moment that lies at the prior since images do not determine it.
    """

    column: Column
    edges: Array
    shares: dict[str, Array]
    moments: dict[int, Array]
    untold: Array

    @property
    def final(self) -> Array:
        """The last moment."""
        return list(self.moments.values())[-1]


def density(run: RunData, index: int) -> Density:
    """Counts the values of a column of a run that has populations."""
    assert run.populations is not None
    moments = {number: frame.values for number, frame in enumerate(frames(run)) if frame.values is not None}
    moments = moments or {0: run.populations.generated}
    column = run.populations.columns[index]
    more = {str(number): values for number, values in moments.items()}
    found = column_values(run.populations, index, more)
    edges = shared_bins(list(found.values()), column.low, column.high)
    counted = {name: shares(values, edges) for name, values in found.items()}
    told = run.populations.told.get("generated")
    untold = np.zeros(len(edges) - 1) if told is None else _part(found["generated"], ~told[:, index], edges)
    return Density(
        column,
        edges,
        {name: counted[name] for name in ("prior", "target", "inferred") if name in counted},
        {number: counted[str(number)] for number in moments},
        untold,
    )


def _part(values: Array, rows: npt.NDArray[np.bool_], edges: Array) -> Array:
    """(B,) in each bin some of the values, as shares of all that are finite."""
    return shares(values[rows], edges) * np.isfinite(values[rows]).sum() / max(np.isfinite(values).sum(), 1)


def densities(run: RunData, moments: bool = False) -> dict[str, Figure]:
    """A panel an attribute, by name.

    Args:
        run: The run.
        moments: Whether all moments are drawn, each under the gid ``frame-<k>``, or the last alone.
    """
    if run.populations is None:
        return {}
    found = {}
    for index, column in enumerate(run.populations.columns):
        with figure(4.2, 2.4) as drawn:
            _draw(drawn.add_subplot(), density(run, index), moments)
        found[column.name] = drawn
    return found


def all_densities(run: RunData) -> Figure:
    """All attributes of a run that has populations, in a grid."""
    assert run.populations is not None
    number = len(run.populations.columns)
    rows = max(-(-number // _COLUMNS), 1)
    with figure(4.0 * _COLUMNS, 2.3 * rows) as drawn:
        for index in range(number):
            _draw(drawn.add_subplot(rows, _COLUMNS, index + 1), density(run, index), moments=False)
    return drawn


def _draw(axes: Axes, found: Density, moments: bool) -> None:
    colours = {"prior": PRIOR, "target": TARGET}
    for name, colour in colours.items():
        if name in found.shares:
            axes.stairs(found.shares[name], found.edges, color=colour, fill=True, alpha=0.45, label=name)
    if "inferred" in found.shares:
        axes.stairs(
            found.shares["inferred"],
            found.edges,
            color=INFERRED,
            linestyle="--",
            linewidth=1.0,
            label="inferred",
        )
    last = max(found.moments)
    for number, height in found.moments.items() if moments else [(last, found.final)]:
        label = "generated" if number == last else None
        lines = [axes.stairs(height, found.edges, color=GENERATED, linewidth=1.7, label=label)]
        if number == last and found.untold.any():
            hatched = {"facecolor": "none", "edgecolor": GENERATED, "hatch": "////", "linewidth": 0}
            lines += [axes.stairs(found.untold, found.edges, fill=True, label="not determined", **hatched)]
        for line in lines:
            line.set_gid(f"frame-{number}" if moments and len(found.moments) > 1 else None)
    _cut_the_prior(axes, found)
    unit = found.column.unit
    axes.set_title(found.column.name)
    axes.set_xlabel("" if unit == "1" else unit)
    axes.set_ylabel("share a bin")
    axes.legend(fontsize=7)


def _cut_the_prior(axes: Axes, found: Density) -> None:
    """Heights follow what is compared; a narrow prior may run out of the panel, which is said."""
    compared = [found.final, *(height for name, height in found.shares.items() if name != "prior")]
    top = _HEADROOM * max(height.max() for height in compared)
    highest = found.shares["prior"].max()
    axes.set_ylim(0, top)
    if highest > top:
        place = found.edges[found.shares["prior"].argmax()]
        axes.annotate(
            f" prior up to {highest:.2g}", (place, 0.98 * top), va="top", fontsize=6.5, color="#666666"
        )
