"""Gradient flow: how strongly the loss pulled at each layer of the attribute network, moment by moment."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from metasim.report.columns import Array
from metasim.report.figures import figure
from metasim.report.run_data import RunData
from metasim.runs.metrics import GRADIENT, Line

MOMENTS = 12  # lines a panel that the eye can follow


def gradient_flow(run: RunData) -> dict[str, Figure]:
    """Gradient norms by layer, a panel a stage that logged them; later steps are darker."""
    found = {}
    for stage in dict.fromkeys(str(line["stage"]) for line in run.metrics):
        lines = [line for line in run.metrics if line["stage"] == stage]
        layers, steps, norms = layer_norms(lines)
        if layers:
            with figure(9.6, 3.3) as drawn:
                _draw(drawn, layers, steps, norms)
            found[stage] = drawn
    return found


def layer_norms(lines: Sequence[Line]) -> tuple[list[str], list[int], Array]:
    """Layers in the order of the network, logged steps, and norms (steps, layers), NaN where unlogged."""
    logged = [line for line in lines if any(key.startswith(GRADIENT) for key in line)]
    keys = list(dict.fromkeys(key for line in logged for key in line if key.startswith(GRADIENT)))
    norms = np.array([[_number(line.get(key)) for key in keys] for line in logged], float)
    return [key.removeprefix(GRADIENT) for key in keys], [int(line["step"]) for line in logged], norms


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _draw(drawn: Figure, layers: list[str], steps: list[int], norms: Array) -> None:
    axes = drawn.add_subplot()
    shown = np.unique(np.linspace(0, len(steps) - 1, MOMENTS).round().astype(int))
    shades = mpl.colormaps["YlGnBu"](np.linspace(0.3, 1.0, len(shown)))
    for place, row in enumerate(shown):
        ends = place in (0, len(shown) - 1)
        label = f"step {steps[row]}" if ends else None
        axes.plot(range(len(layers)), norms[row], color=shades[place], marker=".", linewidth=1.2, label=label)
    if (norms > 0).any():
        axes.set_yscale("log", nonpositive="mask")
    axes.set_xticks(range(len(layers)), layers, rotation=90, fontsize=7)
    axes.set_ylabel("gradient norm")
    axes.legend(fontsize=7)
