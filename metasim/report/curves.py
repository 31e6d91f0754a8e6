"""Curves: what the log of a run says, over the steps of a stage or over renders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metasim.report.figures import figure
from metasim.runs.metrics import Line, curve

_PLACE = {"stage", "step", "renders", "seconds"}
_MOST_KEYS = 6
_LOG_RATIO = 50.0


def stages(lines: Sequence[Line]) -> list[str]:
    """The stages of a log, in order of first appearance."""
    return list(dict.fromkeys(str(line["stage"]) for line in lines))


def stage_curves(lines: Sequence[Line], stage: str) -> Figure | None:
    """A panel a value of a stage, over its steps; ``None`` where it logged no numbers."""
    of_stage = [line for line in lines if line["stage"] == stage]
    keys = [k for k in dict.fromkeys(k for line in of_stage for k in line) if k not in _PLACE]
    curves = {key: curve(of_stage, key) for key in keys}
    curves = {key: found for key, found in curves.items() if found[1]}
    keys = list(curves)[:_MOST_KEYS]
    if not keys:
        return None
    rows = -(-len(keys) // 2)
    with figure(6.4, 1.9 * rows + 0.4) as drawn:
        for index, key in enumerate(keys):
            axes = drawn.add_subplot(rows, min(len(keys), 2), index + 1)
            found, values = curves[key]
            _line(axes, [line["step"] for line in found], values)
            axes.set_title(key)
            axes.set_xlabel("step")
    return drawn


def mmd_curves(runs: Mapping[str, Sequence[Line]]) -> Figure | None:
    """The squared MMD over renders, a line a run and stage; ``None`` where none was logged."""
    with figure(6.4, 2.6) as drawn:
        axes = drawn.add_subplot()
        for name, lines in runs.items():
            for key in dict.fromkeys(k for line in lines for k in line if k.endswith("mmd2")):
                for stage in stages(curve(lines, key)[0]):
                    found, values = curve([line for line in lines if line["stage"] == stage], key)
                    _line(axes, [line["renders"] for line in found], values, f"{name} {stage} {key}".strip())
        axes.set_xlabel("images rendered for learning")
        axes.set_ylabel("squared MMD")
        if not axes.lines:
            return None
        axes.legend(fontsize=7)
    return drawn


def _line(axes: Axes, x: Sequence[float], values: Sequence[float], label: str | None = None) -> None:
    axes.plot(x, values, marker="." if len(values) < 30 else "", linewidth=1.2, label=label)
    least = min(values)
    if least > 0 and max(values) / least > _LOG_RATIO:
        axes.set_yscale("log")
