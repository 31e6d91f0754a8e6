"""Curves: what the logs of runs say over steps or renders, runs on one axis, with error bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metasim.report.bands import Array, Band, band, band_of_seeds, shared_windows
from metasim.report.figures import PALETTE, figure
from metasim.report.run_data import RunData
from metasim.report.seeds import by_experiment
from metasim.runs.metrics import ERROR, GRADIENT, Line, curve

_PLACE = {"stage", "step", "renders", "seconds"}
_MOST_KEYS = 6
_LOG_RATIO = 50.0
_MMD = "mmd2"

Logs = Mapping[str, Sequence[Sequence[Line]]]
"""Logs by name; those under one name are of runs that differ in their seed alone."""


def curves(runs: Sequence[RunData], published: Mapping[str, list[Line]] | None = None) -> dict[str, Figure]:
    """The squared MMD over renders, then each stage over its steps, of all runs together, by title.

    Args:
        runs: The runs.
        published: Logs of original runs beside them, by name.
    """
    groups = by_experiment(runs)
    ours: Logs = {name: [run.metrics for run in group] for name, group in groups.items()}
    all_logs = {**ours, **{name: [lines] for name, lines in (published or {}).items()}}
    drawn = {"MMD": mmd_curves(ours)}
    if published:
        drawn["MMD beside the published course"] = relative_mmd(all_logs)
    drawn |= {f"Stage {stage}": stage_curves(all_logs, stage) for stage in stages(all_logs)}
    return {title: plot for title, plot in drawn.items() if plot is not None}


def stages(logs: Logs) -> list[str]:
    """The stages of all logs, in order of first appearance."""
    return list(dict.fromkeys(str(line["stage"]) for seeds in logs.values() for log in seeds for line in log))


def stage_curves(logs: Logs, stage: str) -> Figure | None:
    """A panel a value of a stage, over its steps; ``None`` where no log has a course of any.

    Squared MMDs have a figure of their own.
    """
    found = {
        name: [[line for line in log if line["stage"] == stage] for log in seeds]
        for name, seeds in logs.items()
    }
    shown = {key: bands(found, key, "step") for key in _keys(found) if not key.endswith(_MMD)}
    keys = [key for key, curves in shown.items() if any(len(c.x) > 1 for c in curves.values())][:_MOST_KEYS]
    if not keys:
        return None
    columns = min(len(keys), 2)
    rows = -(-len(keys) // columns)
    with figure(5.2, 1.8 * rows + 0.4) as drawn:
        for place, key in enumerate(keys):
            axes = drawn.add_subplot(rows, columns, place + 1)
            _draw(axes, shown[key], list(logs))
            axes.set_title(key)
            axes.set_xlabel("step")
        if len(found) > 1:
            handles = {
                label: h for a in drawn.axes for h, label in zip(*a.get_legend_handles_labels(), strict=True)
            }
            drawn.legend(handles.values(), handles, loc="outside upper center", ncols=2, fontsize=7)
    return drawn


def mmd_curves(logs: Logs) -> Figure | None:
    """The squared MMD over renders, a line a run and stage; ``None`` where none was logged."""
    found = _mmd_bands(logs)
    if not found:
        return None
    with figure(5.2, 2.6) as drawn:
        axes = drawn.add_subplot()
        _draw(axes, found, list(found))
        axes.axhline(0.0, color="#888888", linewidth=0.6)
        axes.set_xlabel("images rendered for learning")
        axes.set_ylabel("squared MMD")
        axes.legend(fontsize=7)
    return drawn


def relative_mmd(logs: Logs) -> Figure | None:
    """Courses of squared MMDs in kernels that do not compare: over their first value and their length."""
    found = {}
    for name, shown in _mmd_bands(logs, "step").items():
        first = shown.middle[0]
        if len(shown.x) > 1 and first > 0:
            x = (shown.x - shown.x[0]) / max(shown.x[-1] - shown.x[0], 1e-12)
            found[name] = Band(x, shown.middle / first, shown.error / first)
    if not found:
        return None
    with figure(5.2, 2.6) as drawn:
        axes = drawn.add_subplot()
        _draw(axes, found, list(found))
        axes.set_xlabel("share of the training")
        axes.set_ylabel("MMD over its first value")
        axes.legend(fontsize=7)
    return drawn


def bands(logs: Logs, key: str, x: str) -> dict[str, Band]:
    """The band of each name that has finite values of a key, in windows that all of them share.

    Args:
        logs: Lines by name and seed.
        key: Which value.
        x: ``step`` or ``renders``.
    """
    read = {name: [curve(log, key) for log in seeds] for name, seeds in logs.items()}
    read = {name: [found for found in seeds if found[1]] for name, seeds in read.items()}
    places = {
        n: [np.array([line[x] for line in lines], float) for lines, _ in s] for n, s in read.items() if s
    }
    windows = shared_windows([place for seeds in places.values() for place in seeds])
    result = {}
    for name, seeds in places.items():
        each = [
            band(place, np.array(values), windows, _errors(lines, key))
            for place, (lines, values) in zip(seeds, read[name], strict=True)
        ]
        result[name] = each[0] if len(each) == 1 else band_of_seeds(each)
    return result


def _mmd_bands(logs: Logs, x: str = "renders") -> dict[str, Band]:
    found: dict[str, Band] = {}
    for stage in stages(logs):
        of_stage = {
            n: [[e for e in log if e["stage"] == stage] for log in seeds] for n, seeds in logs.items()
        }
        for key in (key for key in _keys(of_stage) if key.endswith(_MMD)):
            found |= {f"{name} {stage}".strip(): shown for name, shown in bands(of_stage, key, x).items()}
    return found


def _keys(logs: Logs) -> list[str]:
    keys = dict.fromkeys(key for seeds in logs.values() for log in seeds for line in log for key in line)
    return [k for k in keys if k not in _PLACE and not k.startswith(GRADIENT) and not k.endswith(ERROR)]


def _errors(lines: Sequence[Line], key: str) -> Array | None:
    """Standard errors of the values, where they were logged beside them."""
    if not any(key + ERROR in line for line in lines):
        return None
    return np.array([line.get(key + ERROR) or 0.0 for line in lines])


def _draw(axes: Axes, found: Mapping[str, Band], names: Sequence[str]) -> None:
    """Draws bands; the colour of each is that of its name's place, the same in all panels."""
    for name, shown in found.items():
        colour = PALETTE[names.index(name) % len(PALETTE)]
        marker = "." if len(shown.x) < 30 else ""
        axes.plot(shown.x, shown.middle, marker=marker, linewidth=1.3, color=colour, label=name or None)
        if shown.error.any():
            axes.fill_between(shown.x, shown.low, shown.high, color=colour, alpha=0.2, linewidth=0)
    values = np.concatenate([shown.middle for shown in found.values()])
    edges = np.concatenate([shown.low for shown in found.values()])
    if edges.min() > 0 and values.max() / values.min() > _LOG_RATIO:
        axes.set_yscale("log")
