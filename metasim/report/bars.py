"""Bars: shares of classes and of numbers of nodes, generated beside target."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from metasim.report.figures import GENERATED, TARGET, figure
from metasim.runs.summary import Frequency


def frequency_bars(title: str, frequencies: Mapping[str, Frequency]) -> Figure:
    """A pair of bars a class, or one where the target's share is unknown."""
    places = np.arange(len(frequencies))
    target = [f.target for f in frequencies.values()]
    with figure(4.2, 2.3) as drawn:
        axes = drawn.add_subplot()
        axes.bar(places + 0.2, [f.generated for f in frequencies.values()], 0.38, color=GENERATED)
        if all(share is not None for share in target):
            axes.bar(places - 0.2, [share or 0.0 for share in target], 0.38, color=TARGET)
        axes.set_xticks(places, list(frequencies), rotation=30 if len(frequencies) > 6 else 0)
        axes.set_title(f"{title} (target blue, generated orange)")
        axes.set_ylabel("share")
    return drawn
