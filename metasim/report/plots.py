"""Plots: the images and tables that a run folder holds beside its report."""

from __future__ import annotations

from metasim.report.curves import mmd_curves, stage_curves
from metasim.report.densities import all_densities
from metasim.report.figures import save_png
from metasim.report.run_data import RunData
from metasim.runs.tables import RECONSTRUCTION, write_tables


def write_plots(run: RunData) -> None:
    """Writes ``attributes.png`` and tables and plots in ``progress/``, as far as there are numbers."""
    write_tables(run.folder)
    if run.populations is not None:
        save_png(all_densities(run), run.folder.attributes)
    logs = {"": [run.metrics]}
    plots = {"reconstruction": stage_curves(logs, RECONSTRUCTION), "mmd": mmd_curves(logs)}
    for name, plot in plots.items():
        if plot is not None:
            save_png(plot, run.folder.progress / f"{name}.png")
