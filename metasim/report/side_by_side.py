"""Side by side: what several runs generate, in one panel an attribute and in the same bins."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from metasim.report.bins import shared_bins, shares
from metasim.report.columns import Array, column_values
from metasim.report.figures import PALETTE, PRIOR, TARGET, figure
from metasim.report.run_data import RunData
from metasim.report.seeds import distinct_names
from metasim.runs.population import Column, Populations

_FILLED = {"prior": PRIOR, "target": TARGET}


def side_by_side(runs: Sequence[RunData]) -> dict[str, Figure]:
    """A panel an attribute by name: prior and target of the first run, a line a run.

    Runs of other attributes are left out; without two runs to compare there is no panel.
    """
    known = {n: run.populations for n, run in zip(distinct_names(runs), runs, strict=True) if run.populations}
    if not known:
        return {}
    first = next(iter(known.values()))
    generated = {n: found.generated for n, found in known.items() if found.columns == first.columns}
    if len(generated) < 2:
        return {}
    return {
        column.name: _panel(column, values_of_runs(first, index, generated))
        for index, column in enumerate(first.columns)
    }


def values_of_runs(first: Populations, index: int, generated: dict[str, Array]) -> dict[str, Array]:
    """Values of a column: prior and target of the first run, what each run generates by its name."""
    found = column_values(first, index, generated)
    return {name: found[name] for name in (*_FILLED, *generated) if name in found}


def _panel(column: Column, values: dict[str, Array]) -> Figure:
    edges = shared_bins(list(values.values()), column.low, column.high)
    heights = {name: shares(found, edges) for name, found in values.items()}
    lines = [name for name in heights if name not in _FILLED]
    with figure(4.2, 2.4) as drawn:
        axes = drawn.add_subplot()
        for name, colour in _FILLED.items():
            if name in heights:
                axes.stairs(heights[name], edges, color=colour, fill=True, alpha=0.45, label=name)
        for place, name in enumerate(lines):
            colour = PALETTE[place % len(PALETTE)]
            axes.stairs(heights[name], edges, color=colour, linewidth=1.5, label=name)
        axes.set_title(column.name)
        axes.set_xlabel("" if column.unit == "1" else column.unit)
        axes.set_ylabel("share a bin")
        axes.legend(fontsize=7)
    return drawn
