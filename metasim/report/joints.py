"""Joints: correlated attributes against each other, with their marginals, generated upon target."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metasim.report.bins import shared_bins, shares
from metasim.report.columns import Array, column_index, column_values
from metasim.report.figures import GENERATED, PRIOR, TARGET, figure
from metasim.report.run_data import RunData
from metasim.runs.population import Populations

CORRELATED = 0.3  # from here on a pair is worth a panel
_LARGEST = 5  # attributes a matrix
_POINTS = 400  # points a population, all that a small panel can show
_COLOURS = {"prior": PRIOR, "target": TARGET, "generated": GENERATED}

Pair = tuple[str, str]


def joints(run: RunData) -> dict[str, Figure]:
    """A scatter matrix a group of attributes that hang together, by their names."""
    if run.populations is None:
        return {}
    strengths = correlated_pairs(run)
    found = {}
    for group in groups(strengths):
        found[", ".join(group)] = scatter_matrix(run.populations, group, strengths)
    return found


def correlated_pairs(run: RunData) -> dict[Pair, tuple[float, float | None]]:
    """Correlations (generated, target) of the pairs that are correlated in either."""
    if run.summary is None or run.populations is None:
        return {}
    known = {column.name for column in run.populations.columns}
    return {
        (pair.a, pair.b): (pair.generated, pair.target)
        for pair in run.summary.correlations
        if {pair.a, pair.b} <= known and max(abs(pair.generated), abs(pair.target or 0.0)) >= CORRELATED
    }


def groups(pairs: dict[Pair, tuple[float, float | None]]) -> list[list[str]]:
    """Attributes connected by correlated pairs, the strongest first, at most five a group."""
    ordered = sorted(pairs, key=lambda pair: -max(abs(value or 0.0) for value in pairs[pair]))
    found: list[list[str]] = []
    for pair in ordered:
        touched = [group for group in found if set(group) & set(pair)]
        merged = list(dict.fromkeys([name for group in touched for name in group] + list(pair)))
        if len(merged) <= _LARGEST:
            found = [group for group in found if group not in touched] + [merged]
        elif not any(set(pair) <= set(group) for group in touched):
            found.append(list(pair))
    return found


def scatter_matrix(
    populations: Populations, names: list[str], strengths: dict[Pair, tuple[float, float | None]]
) -> Figure:
    """Scatter plots below the diagonal, marginals in shared bins on it, correlations above."""
    values = [_drawn_values(populations, name) for name in names]
    number = len(names)
    with figure(1.9 * number + 0.6, 1.8 * number + 0.5) as drawn:
        grid = drawn.subplots(number, number, squeeze=False, sharex="col")
        for row in range(number):
            for column in range(number):
                axes: Axes = grid[row, column]
                if row == column:
                    _marginals(axes, values[row])
                elif row > column:
                    _scatter(axes, values[column], values[row])
                else:
                    _numbers(axes, _strength(strengths, names[row], names[column]))
                if row == number - 1:
                    axes.set_xlabel(names[column])
                if column == 0 and row > 0:
                    axes.set_ylabel(names[row])
        handles, labels = grid[0, 0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8)
    return drawn


def _drawn_values(populations: Populations, name: str) -> dict[str, Array]:
    found = column_values(populations, column_index(populations, name))
    return {name: found[name] for name in _COLOURS if name in found}


def _marginals(axes: Axes, values: dict[str, Array]) -> None:
    edges = shared_bins(list(values.values()), 0.0, 1.0)
    heights = {name: shares(found, edges) for name, found in values.items()}
    for name, height in heights.items():
        filled = name != "generated"
        axes.stairs(
            height, edges, color=_COLOURS[name], fill=filled, alpha=0.45 if filled else 1.0, label=name
        )
    compared = [height.max() for name, height in heights.items() if name != "prior"]
    axes.set_ylim(0, 1.12 * max(compared))
    axes.set_yticks([])


def _scatter(axes: Axes, x: dict[str, Array], y: dict[str, Array]) -> None:
    for name in x:
        shown = slice(None, None, max(len(x[name]) // _POINTS, 1))
        alpha, size = (0.3, 4) if name == "prior" else (0.6, 4 if name == "generated" else 11)
        axes.scatter(x[name][shown], y[name][shown], s=size, color=_COLOURS[name], alpha=alpha, linewidths=0)


def _numbers(axes: Axes, found: tuple[float, float | None] | None) -> None:
    axes.set_axis_off()
    if found is None:
        return
    generated, target = found
    style: dict[str, Any] = {"fontsize": 13, "ha": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.55, f"{generated:.2f}", color=GENERATED, **style)
    if target is not None and np.isfinite(target):
        axes.text(0.5, 0.3, f"{target:.2f}", color=TARGET, **style)


def _strength(
    strengths: dict[Pair, tuple[float, float | None]], a: str, b: str
) -> tuple[float, float | None] | None:
    return strengths.get((a, b), strengths.get((b, a)))
