"""Courses: an attribute over the moments of a training, in bins that all moments and the target share."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metasim.report.columns import Array
from metasim.report.densities import Density, density
from metasim.report.figures import GENERATED, TARGET, figure
from metasim.report.frames import frames
from metasim.report.run_data import RunData

_COLUMNS = 3
_HEADROOM = 1.12


def courses(run: RunData) -> Figure:
    """A panel an attribute: the target, and a line a moment from the first in light to the last in dark.

    Of a narrow first moment the top may run out of its panel.

    Args:
        run: A run that has populations.
    """
    assert run.populations is not None
    number = len(run.populations.columns)
    rows = -(-number // _COLUMNS)
    with figure(4.0 * _COLUMNS, 2.3 * rows + 0.3) as drawn:
        for index in range(number):
            axes, found = drawn.add_subplot(rows, _COLUMNS, index + 1), density(run, index)
            _draw_target(axes, found)
            _draw_moments(axes, found, run)
            _name(axes, found, found.column.name)
            axes.set_ylim(0, _HEADROOM * max(height.max() for height in _reached(found)))
        handles, labels = drawn.axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=8)
    return drawn


def three_views(run: RunData, index: int) -> Figure:
    """Three panels on the same axes, in the same bins: all moments, the first moment, the target.

    Args:
        run: A run that has populations.
        index: Of the attribute, among the columns of the populations.
    """
    found = density(run, index)
    first = next(iter(found.moments.values()))
    with figure(12.0, 3.2) as drawn:
        panels = drawn.subplots(1, 3, sharex=True, sharey=True)
        _draw_target(panels[0], found)
        _draw_moments(panels[0], found, run)
        panels[1].stairs(first, found.edges, color=GENERATED, fill=True, alpha=0.6)
        _draw_target(panels[2], found)
        for axes, title in zip(panels, ("all moments", "the first moment", "the target"), strict=True):
            _name(axes, found, f"{found.column.name}: {title}")
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=8)
    return drawn


def _draw_target(axes: Axes, found: Density) -> None:
    if "target" in found.shares:
        axes.stairs(found.shares["target"], found.edges, color=TARGET, fill=True, alpha=0.4, label="target")


def _draw_moments(axes: Axes, found: Density, run: RunData) -> None:
    """Lines of moments, which hide nothing: each is as high as its share."""
    labels = [frame.label for frame in frames(run)] or ["generated"]
    shades = mpl.colormaps["YlOrBr"](np.linspace(0.3, 0.9, len(found.moments)))
    for shade, (number, height) in zip(shades, found.moments.items(), strict=True):
        axes.stairs(height, found.edges, color=shade, linewidth=1.3, label=labels[number])


def _name(axes: Axes, found: Density, title: str) -> None:
    top = max(height.max() for height in [*found.moments.values(), *found.shares.values()])
    axes.set_ylim(0, _HEADROOM * top)
    axes.set_title(title)
    axes.set_xlabel("" if found.column.unit == "1" else found.column.unit)
    axes.set_ylabel("share a bin")


def _reached(found: Density) -> list[Array]:
    """What heights follow: the first moment may be a spike, which would flatten all others."""
    later = list(found.moments.values())[1:] or [found.final]
    return [*later, *(found.shares[name] for name in ("target",) if name in found.shares)]
