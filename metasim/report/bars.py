"""Bars: shares of classes and of numbers of nodes, generated beside target."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from metasim.report.figures import GENERATED, TARGET, figure
from metasim.report.run_data import RunData
from metasim.runs.summary import Frequency


def bars(run: RunData) -> dict[str, Figure]:
    """Classes of nodes and numbers of nodes, where there is a choice, by title."""
    if run.summary is None:
        return {}
    classes = {f"classes of {name}": table for name, table in run.summary.classes.items()}
    counts = {f"number of {name}": table for name, table in run.summary.counts.items()}
    return {
        title: frequency_bars(title, table) for title, table in (classes | counts).items() if len(table) > 1
    }


def frequency_bars(title: str, frequencies: Mapping[str, Frequency]) -> Figure:
    """A pair of bars a class, or one where the target's share is unknown."""
    places = np.arange(len(frequencies))
    target = [f.target for f in frequencies.values()]
    known = [share for share in target if share is not None]
    with figure(4.2, 2.4) as drawn:
        axes = drawn.add_subplot()
        if len(known) == len(target):
            axes.bar(places - 0.2, known, 0.38, color=TARGET, label="target")
        generated = [f.generated for f in frequencies.values()]
        axes.bar(places + 0.2, generated, 0.38, color=GENERATED, label="generated")
        axes.set_xticks(places, list(frequencies), rotation=30 if len(frequencies) > 6 else 0)
        axes.set_title(title)
        axes.set_ylabel("share")
        axes.set_ylim(0, 1.25 * max([*generated, *known]))
        axes.legend(fontsize=7, ncols=2, loc="upper right")
    return drawn
