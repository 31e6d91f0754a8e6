"""Plane of scenes: all attributes of a scene as one point; moments of the training and target by one fit.

A fit a moment, as in the published notebooks, turns and scales each cloud on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from metasim.report.columns import Array
from metasim.report.figures import TARGET, figure
from metasim.report.frames import frames
from metasim.report.run_data import RunData
from metasim.runs.population import Column

_POINTS = 300
_DIMENSIONS = 3


@dataclass(frozen=True)
class ScenePlane:
    """Scenes in their principal components.

    Attributes:
        moments: (n, K) places of the generator's scenes by moment, K at most 3.
        target: (m, K) places of the target's; ``None`` where its attributes are unknown.
        explained: (K,) share of all variation along each component.
    """

    moments: dict[str, Array]
    target: Array | None
    explained: Array


def scene_plane(run: RunData) -> ScenePlane | None:
    """Principal components of the attributes, each as a share of its range, angles as points of a circle.

    ``None`` where no attribute values were kept.
    """
    if run.populations is None:
        return None
    known = {frame.label: frame.values for frame in frames(run) if frame.values is not None}
    moments = known or {"generated": run.populations.generated}
    target = run.populations.target
    sets = [*moments.values()] + ([] if target is None else [target])
    points = [_points(_thinned(values), run.populations.columns) for values in sets]
    pooled = np.concatenate(points)
    found = PCA(min(_DIMENSIONS, *pooled.shape), svd_solver="full").fit(_filled(pooled, pooled))
    placed = [found.transform(_filled(each, pooled)) for each in points]
    return ScenePlane(
        dict(zip(moments, placed, strict=False)),
        None if target is None else placed[-1],
        found.explained_variance_ratio_,
    )


def draw_scene_plane(found: ScenePlane) -> Figure:
    """The first two components, and where there are three, these in space."""
    count = found.explained.size
    with figure(9.6, 4.0) as drawn:
        _draw(drawn.add_subplot(1, 2, 1), found, 2)
        if count > 2:
            _draw(drawn.add_subplot(1, 2, 2, projection="3d"), found, 3)
        handles, labels = drawn.axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8, markerscale=2)
    return drawn


def _draw(axes: Axes, found: ScenePlane, dimensions: int) -> None:
    shades = mpl.colormaps["YlOrBr"](np.linspace(0.3, 0.9, len(found.moments)))
    sets = list(zip(found.moments.items(), shades, strict=True))
    if found.target is not None:
        sets.append((("target", found.target), TARGET))
    for (label, points), colour in sets:
        places = _padded(points, dimensions).T
        style = {"linestyle": "", "marker": "o", "markersize": 2.6, "markeredgewidth": 0, "alpha": 0.6}
        axes.plot(*places, color=colour, label=label, **style)
    names = [f"component {k + 1} ({share:.0%})" for k, share in enumerate(found.explained)]
    for name, setter in zip(names, (axes.set_xlabel, axes.set_ylabel), strict=False):
        setter(name)


def _points(values: Array, columns: tuple[Column, ...]) -> Array:
    """(n, D') attributes as shares of their range; periodic ones as points of a circle."""
    found = []
    for index, column in enumerate(columns):
        share = (values[:, index] - column.low) / (column.high - column.low)
        turn = 2 * np.pi * share
        found += [np.cos(turn) / 2, np.sin(turn) / 2] if column.periodic else [share]
    return np.stack(found, axis=1)


def _filled(points: Array, pooled: Array) -> Array:
    """Points whose missing values are the mean of all."""
    return np.where(np.isfinite(points), points, np.nan_to_num(np.nanmean(pooled, axis=0)))


def _padded(points: Array, dimensions: int) -> Array:
    missing = max(dimensions - points.shape[1], 0)
    return np.pad(points, ((0, 0), (0, missing)))[:, :dimensions]


def _thinned(values: Array) -> Array:
    return values[:: max(len(values) // _POINTS, 1)]
