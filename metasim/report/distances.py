"""Distances: Wasserstein distances of all attributes, runs side by side, against prior and floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metasim.report.figures import PALETTE, PRIOR, figure
from metasim.report.run_data import RunData
from metasim.report.seeds import distinct_names
from metasim.runs.summary import AttributeResult


def distances(runs: Sequence[RunData]) -> Figure | None:
    """A row an attribute, a dot a run, on a logarithmic axis; ``None`` where no run knows its target.

    The prior's distance is a hollow dot and the floor, two draws of the target, a stroke, both of the
    first run that has them.
    """
    known = {name: _known(run) for name, run in zip(distinct_names(runs), runs, strict=True)}
    names = list(dict.fromkeys(name for found in known.values() for name in found))
    if not names:
        return None
    with figure(5.2, 0.32 * len(names) + 0.9) as drawn:
        axes = drawn.add_subplot()
        first = {name: next(found[name] for found in known.values() if name in found) for name in names}
        before = {name: result.w1_prior for name, result in first.items()}
        floor = {name: result.w1_floor for name, result in first.items()}
        _dots(axes, names, before, marker="o", color=PRIOR, fillstyle="none", label="prior")
        _dots(axes, names, floor, marker="|", color="#222222", markersize=12, label="floor")
        for index, (run, found) in enumerate(known.items()):
            reached = {name: result.w1 for name, result in found.items()}
            _dots(axes, names, reached, marker="o", color=PALETTE[index % len(PALETTE)], label=run)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xscale("log")
        axes.set_xlabel("W1 to the target, share of the range")
        drawn.legend(loc="outside upper center", ncols=4, fontsize=7)
    return drawn


def _dots(axes: Axes, names: list[str], values: Mapping[str, float | None], **style: Any) -> None:
    """A dot in the row of each name whose value a logarithmic axis can show."""
    shown = [(value, names.index(name)) for name, value in values.items() if value]
    if shown:
        axes.plot([x for x, _ in shown], [y for _, y in shown], linestyle="", **style)


def _known(run: RunData) -> Mapping[str, AttributeResult]:
    if run.summary is None:
        return {}
    return {name: result for name, result in run.summary.attributes.items() if result.w1 is not None}
