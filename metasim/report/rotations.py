"""Rotations: the three angles of a node against each other, in space."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import Axes3D

from metasim.report.columns import Array, column_index, column_values
from metasim.report.figures import GENERATED, PRIOR, TARGET, figure
from metasim.report.run_data import RunData

ANGLES = ("yaw", "pitch", "roll")
_POINTS = 300
_SIDES = {"left": -60, "right": 30}
_COLOURS = {"prior": PRIOR, "target": TARGET, "generated": GENERATED}


def rotating_nodes(run: RunData) -> list[str]:
    """Nodes that have all three angles."""
    names = {column.name for column in run.populations.columns} if run.populations else set[str]()
    nodes = dict.fromkeys(name.rpartition(".")[0] for name in names)
    return sorted(node for node in nodes if all(f"{node}.{angle}" in names for angle in ANGLES))


def rotation_points(run: RunData, node: str) -> dict[str, list[Array]]:
    """Yaw, pitch and roll (n,) of each population, thinned to a few hundred scenes."""
    assert run.populations is not None
    columns = [column_index(run.populations, f"{node}.{angle}") for angle in ANGLES]
    values = [column_values(run.populations, index) for index in columns]
    return {
        name: [found[name][:: max(len(found[name]) // _POINTS, 1)] for found in values]
        for name in _COLOURS
        if name in values[0]
    }


def rotations(run: RunData) -> dict[str, Figure]:
    """Yaw, pitch and roll of a node in space, by the node's name and the side they are seen from."""
    found = {}
    for node in rotating_nodes(run):
        points = rotation_points(run, node)
        for side, azimuth in _SIDES.items():
            with figure(4.4, 3.7) as drawn:
                axes = drawn.add_subplot(projection="3d")
                assert isinstance(axes, Axes3D)
                _draw(axes, points, azimuth)
                handles, labels = axes.get_legend_handles_labels()
                drawn.legend(handles, labels, loc="outside upper center", ncols=3, markerscale=3)
            found[f"{node}, from the {side}"] = drawn
    return found


def _draw(axes: Axes3D, points: dict[str, list[Array]], azimuth: float) -> None:
    axes.view_init(elev=22, azim=azimuth)
    for name, (yaw, pitch, roll) in points.items():
        alpha = 0.35 if name == "prior" else 0.6
        style = {"color": _COLOURS[name], "alpha": alpha, "markeredgewidth": 0, "label": name}
        axes.plot(yaw, pitch, roll, linestyle="", marker="o", markersize=2.4, **style)
    for angle, axis in zip(ANGLES, (axes.xaxis, axes.yaxis, axes.zaxis), strict=True):
        axis.set_label_text(f"{angle} (deg)")
        axis.set_major_locator(MaxNLocator(4))
        axis.set_tick_params(labelsize=6.5)
    shape: Any = {"zoom": 0.85}  # whole numbers alone, say the types
    axes.set_box_aspect(None, **shape)
