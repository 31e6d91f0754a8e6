"""The report: one page of one run, with other runs beside it where asked; no network needed to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.figure import Figure

from metasim.base.files import write_text
from metasim.report.attribute_rows import attribute_rows
from metasim.report.bars import bars
from metasim.report.circles import circles
from metasim.report.comparison import comparison
from metasim.report.costs import stage_costs
from metasim.report.curves import curves
from metasim.report.densities import densities
from metasim.report.distances import distances
from metasim.report.embedding import embedding
from metasim.report.figures import image_uri, inline_svg, png_uri, svg_uri
from metasim.report.frames import frames
from metasim.report.gradient_flow import gradient_flow
from metasim.report.headline import headline
from metasim.report.joints import joints
from metasim.report.limits import judged_identifiability, not_identifiable
from metasim.report.neighbours import neighbour_pairs, neighbours
from metasim.report.pictures import pictures
from metasim.report.plots import write_plots
from metasim.report.rotations import rotations
from metasim.report.run_data import RunData
from metasim.report.seeds import distinct_names
from metasim.report.side_by_side import side_by_side
from metasim.report.strips import Strip, image_sets, moments, over_time
from metasim.report.words import reading_sentences, state_sentence, verdict_sentences
from metasim.runs.metrics import Line


def write_report(
    run: RunData, others: Sequence[RunData] = (), published: Mapping[str, list[Line]] | None = None
) -> Path:
    """Writes ``report.html``, ``attributes.png`` and ``progress/``; returns the page's path.

    Args:
        run: The run whose page it is.
        others: Runs to put beside it.
        published: Logs of original runs, by name, to draw beside its curves.
    """
    write_plots(run)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("metasim.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    content = _numbers(run, others) | _pictures(run, [run, *others], published or {})
    write_text(run.folder.report, environment.get_template("report.html.j2").render(content))
    return run.folder.report


def _numbers(run: RunData, others: Sequence[RunData]) -> dict[str, Any]:
    summary = run.summary
    return {
        "run": run,
        "headline": headline(run),
        "state": state_sentence(run),
        "reading": reading_sentences(run),
        "sentences": verdict_sentences(summary) if summary else [],
        "rows": attribute_rows(run),
        "costs": {name: stage_costs(each.metrics) for name, each in _named([run, *others]).items()},
        "unidentifiable": not_identifiable(summary) if summary else [],
        "identifiability_judged": bool(summary and judged_identifiability(summary)),
        "comparison": comparison([run, *others]) if others else None,
        "labels": [frame.label for frame in frames(run)],
    }


def _pictures(run: RunData, runs: Sequence[RunData], published: Mapping[str, list[Line]]) -> dict[str, Any]:
    apart = distances(runs)
    return {
        "sets": {strip.caption: image_uri(strip.picture) for strip in image_sets(run)},
        "moments": {number: _shown(strip) for number, strip in moments(run).items()},
        "over_time": _shown(over_time(run)),
        "densities": {name: inline_svg(plot, name) for name, plot in densities(run, moments=True).items()},
        "distances": svg_uri(apart) if apart else None,
        "side_by_side": _drawn(side_by_side(runs), vector=True),
        "circles": _drawn(circles(run), vector=True),
        "rotations": _drawn(rotations(run), vector=False),
        "joints": _drawn(joints(run), vector=False),
        "bars": _drawn(bars(run), vector=True),
        "seen": _seen(run),
        "curves": _drawn(curves(runs, published), vector=True),
        "flow": _drawn(gradient_flow(run), vector=True),
    }


def _named(runs: Sequence[RunData]) -> dict[str, RunData]:
    return dict(zip(distinct_names(runs), runs, strict=True))


def _drawn(plots: Mapping[str, Figure], vector: bool) -> dict[str, str]:
    return {title: svg_uri(plot) if vector else png_uri(plot) for title, plot in plots.items()}


def _shown(strip: Strip | None) -> dict[str, str] | None:
    return None if strip is None else {"caption": strip.caption, "uri": image_uri(strip.picture)}


def _seen(run: RunData) -> dict[str, Any] | None:
    """Generated and target images in feature space."""
    shown = pictures(run)
    if shown is None:
        return None
    found = neighbours(shown)
    return {
        "generated": len(shown.generated),
        "target": len(shown.target),
        "embedding": png_uri(embedding(shown)),
        "pairs": image_uri(neighbour_pairs(shown, found)),
        "median": found.median,
        "floor": found.floor,
    }
