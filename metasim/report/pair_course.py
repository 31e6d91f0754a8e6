"""Course of a pair: two attributes against each other, moment by moment, on the same axes as the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure, SubFigure

from metasim.report.bins import shared_bins, shares
from metasim.report.columns import Array, column_index, column_values
from metasim.report.figures import GENERATED, TARGET, figure
from metasim.report.frames import Frame, frames
from metasim.report.run_data import RunData
from metasim.runs.population import Column

_POINTS, _MOMENTS, _MARGIN = 300, 4, 0.05


@dataclass(frozen=True)
class _Axis:
    """One attribute of the pair: its values by moment, ``target`` among them, and the bins of all."""

    column: Column
    values: dict[str, Array]
    edges: Array

    @property
    def limits(self) -> tuple[float, float]:
        margin = _MARGIN * (self.edges[-1] - self.edges[0])
        return float(self.edges[0] - margin), float(self.edges[-1] + margin)


def pair_course(run: RunData, a: str, b: str) -> Figure:
    """A scatter plot a moment with its marginals, generated upon target, at most four moments.

    Args:
        run: A run that has populations.
        a: Name of the attribute along x.
        b: Name of the attribute along y.
    """
    moments = _picked([frame for frame in frames(run) if frame.values is not None])
    x, y = (_axis(run, name, moments) for name in (a, b))
    with figure(2.9 * len(moments), 3.1) as drawn:
        panels = drawn.subfigures(1, len(moments), squeeze=False)
        for panel, frame in zip(panels[0], moments, strict=True):
            _draw(panel, frame, x, y)
    return drawn


def _picked(moments: list[Frame]) -> list[Frame]:
    places = np.unique(np.linspace(0, len(moments) - 1, _MOMENTS).round().astype(int))
    return [moments[place] for place in places]


def _axis(run: RunData, name: str, moments: list[Frame]) -> _Axis:
    assert run.populations is not None
    index = column_index(run.populations, name)
    more = {frame.name: frame.values for frame in moments if frame.values is not None}
    found = column_values(run.populations, index, more)
    values = {key: found[key] for key in ("target", *more) if key in found}
    column = run.populations.columns[index]
    return _Axis(column, values, shared_bins(list(values.values()), column.low, column.high))


def _draw(panel: SubFigure, frame: Frame, x: _Axis, y: _Axis) -> None:
    grid = panel.add_gridspec(2, 2, width_ratios=(4, 1), height_ratios=(1, 4), wspace=0.02, hspace=0.02)
    scatter = panel.add_subplot(grid[1, 0], xlim=x.limits, ylim=y.limits)
    above = panel.add_subplot(grid[0, 0], sharex=scatter)
    beside = panel.add_subplot(grid[1, 1], sharey=scatter)
    for name, colour in (("target", TARGET), (frame.name, GENERATED)):
        if name in x.values:
            points = slice(None, None, max(len(x.values[name]) // _POINTS, 1))
            scatter.scatter(
                x.values[name][points], y.values[name][points], s=6, color=colour, alpha=0.5, linewidths=0
            )
            above.stairs(shares(x.values[name], x.edges), x.edges, color=colour)
            beside.stairs(shares(y.values[name], y.edges), y.edges, color=colour, orientation="horizontal")
    for marginal in (above, beside):
        marginal.set_axis_off()
    scatter.set_xlabel(x.column.name)
    scatter.set_ylabel(y.column.name)
    panel.suptitle(frame.label, fontsize=8)
