"""The report: one page of one run, with other runs beside it where asked; no network needed to read it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from metasim.base.files import write_text
from metasim.report.attribute_rows import attribute_rows
from metasim.report.bars import frequency_bars
from metasim.report.comparison import comparison
from metasim.report.costs import stage_costs
from metasim.report.curves import mmd_curves, stage_curves, stages
from metasim.report.figures import png_uri, save_png, svg_uri
from metasim.report.galleries import galleries, over_time
from metasim.report.headline import headline
from metasim.report.histograms import all_histograms, histogram, joint
from metasim.report.run_data import RunData
from metasim.report.words import not_identifiable, state_sentence, verdict_sentences
from metasim.runs.tables import progress_lines, write_tables

_MOST_PAIRS = 4
_CORRELATED = 0.3


def write_report(run: RunData, others: Sequence[RunData] = ()) -> Path:
    """Writes ``report.html``, ``attributes.png`` and ``progress/``; returns the page's path."""
    _write_plots(run)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("metasim.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(_content(run, others))
    write_text(run.folder.report, page)
    return run.folder.report


def _write_plots(run: RunData) -> None:
    write_tables(run.folder)
    if run.populations is not None:
        save_png(all_histograms(run.populations), run.folder.attributes)
    lines = progress_lines(run.metrics)
    plots = {
        "reconstruction": next(
            (stage_curves(lines["reconstruction"], s) for s in stages(lines["reconstruction"])), None
        ),
        "mmd": mmd_curves({"": lines["mmd"]}),
    }
    for name, plot in plots.items():
        if plot is not None:
            save_png(plot, run.folder.progress / f"{name}.png")


def _content(run: RunData, others: Sequence[RunData]) -> dict[str, Any]:
    summary = run.summary
    return {
        "run": run,
        "headline": headline(run),
        "state": state_sentence(run),
        "verdict": verdict_sentences(summary) if summary else [],
        "galleries": galleries(run.folder),
        "over_time": over_time(run.folder),
        "rows": attribute_rows(run),
        "histograms": _histograms(run),
        "joints": _joints(run),
        "bars": _bars(run),
        "curves": _curves(run, others),
        "costs": stage_costs(run.metrics),
        "unidentifiable": not_identifiable(summary) if summary else [],
        "comparison": comparison([run, *others]) if others else None,
    }


def _histograms(run: RunData) -> dict[str, str]:
    if run.populations is None:
        return {}
    names = [column.name for column in run.populations.columns]
    return {name: svg_uri(histogram(run.populations, index)) for index, name in enumerate(names)}


def _joints(run: RunData) -> dict[str, str]:
    """Scatter plots of the most correlated pairs."""
    if run.summary is None or run.populations is None:
        return {}
    known = {column.name for column in run.populations.columns}
    strength = {
        (pair.a, pair.b): max(abs(pair.target or 0.0), abs(pair.generated))
        for pair in run.summary.correlations
        if {pair.a, pair.b} <= known
    }
    strong = [pair for pair, value in strength.items() if value >= _CORRELATED]
    chosen = sorted(strong, key=lambda pair: -strength[pair])[:_MOST_PAIRS]
    return {f"{a} and {b}": png_uri(joint(run.populations, a, b)) for a, b in chosen}


def _bars(run: RunData) -> dict[str, str]:
    if run.summary is None:
        return {}
    classes = {f"classes of {name}": table for name, table in run.summary.classes.items() if len(table) > 1}
    counts = {f"number of {name}": table for name, table in run.summary.counts.items() if len(table) > 1}
    return {title: svg_uri(frequency_bars(title, table)) for title, table in (classes | counts).items()}


def _curves(run: RunData, others: Sequence[RunData]) -> dict[str, str]:
    logs = {each.name: each.metrics for each in (run, *others)} if others else {"": run.metrics}
    drawn = {"MMD": mmd_curves(logs)}
    drawn |= {stage: stage_curves(run.metrics, stage) for stage in stages(run.metrics)}
    return {title: svg_uri(plot) for title, plot in drawn.items() if plot is not None}
