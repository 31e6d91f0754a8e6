"""Circles: angles drawn where they point, so that 359 degrees lie beside 1."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from metasim.report.columns import Array
from metasim.report.figures import GENERATED, PRIOR, TARGET, figure
from metasim.report.run_data import RunData
from metasim.runs.population import Column, Populations

BINS = 72
_COLOURS = {"prior": PRIOR, "target": TARGET, "generated": GENERATED}


def circles(run: RunData) -> dict[str, Figure]:
    """A rose an angle, by name: shares of all populations in the same 72 sectors."""
    if run.populations is None:
        return {}
    found = {}
    for index, column in enumerate(run.populations.columns):
        if _is_angle(column):
            with figure(2.9, 3.1) as drawn:
                _draw(drawn, column, sectors(run.populations, index))
            found[column.name] = drawn
    return found


def sectors(populations: Populations, index: int) -> dict[str, Array]:
    """Share of each population's values in each of ``BINS`` sectors, the first from angle 0 on."""
    column = populations.columns[index]
    named = {"prior": populations.prior, "target": populations.target, "generated": populations.generated}
    found = {}
    for name, values in named.items():
        if values is not None:
            turns = np.mod(values[:, index] / _turn(column), 1.0)
            counts = np.histogram(turns[np.isfinite(turns)], BINS, (0.0, 1.0))[0]
            found[name] = counts / max(counts.sum(), 1)
    return found


def _is_angle(column: Column) -> bool:
    return column.unit == "deg" and (column.periodic or column.high - column.low > 90)


def _turn(column: Column) -> float:
    """What a whole turn of the drawing stands for: the period, or all angles."""
    return column.high - column.low if column.periodic else 360.0


def _draw(drawn: Figure, column: Column, found: dict[str, Array]) -> None:
    axes = drawn.add_subplot(projection="polar")
    assert isinstance(axes, PolarAxes)
    edges = np.linspace(0, 2 * np.pi, BINS + 1)
    for name, height in found.items():
        filled = name != "generated"
        # areas, not radii, are what the eye compares
        outline = np.repeat(np.sqrt(height), 2)
        angles = np.repeat(edges, 2)[1:-1]
        colour = _COLOURS[name]
        if filled:
            axes.fill(angles, outline, color=colour, alpha=0.45, linewidth=0, label=name)
        else:
            axes.plot(np.append(angles, angles[0]), np.append(outline, outline[0]), color=colour, label=name)
    turn = _turn(column)
    axes.set_xticks(np.arange(8) * np.pi / 4, [f"{k * turn / 8:g}°" for k in range(8)])
    axes.set_yticklabels([])
    axes.set_title(column.name)
    drawn.legend(loc="outside lower center", ncols=3, fontsize=7)
