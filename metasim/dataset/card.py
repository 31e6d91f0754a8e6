"""The card of a dataset: what a reader must know before using it, in Markdown."""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metasim.base.files import write_text
from metasim.dataset.formats import __name__ as FORMATS
from metasim.dataset.formats import find_format
from metasim.dataset.journal import PartRecord
from metasim.dataset.judgement import judgement
from metasim.dataset.manifest import count_classes
from metasim.dataset.markdown import table
from metasim.dataset.modality import CONVENTIONS, Modality
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sample import Origin
from metasim.dataset.statistics import summarise
from metasim.runs.summary import Summary

NAME = "card.md"


def write_card(
    out: Path,
    plan: ExportPlan,
    origin: Origin,
    counts: Mapping[str, Any],
    records: Sequence[PartRecord],
    licences: Mapping[str, str],
    summary: Summary | None,
) -> str:
    """Writes the card.

    Args:
        out: Folder in which the file is made.
        plan: What was asked for.
        origin: The generator.
        counts: Samples by split, see ``manifest.count_samples``.
        records: Its parts, in the order of the plan.
        licences: Licence of each asset that the images may show.
        summary: The numbers of the run that made the generator, if it has finished.

    Returns:
        Its path within the dataset.
    """
    sections = [
        _head(plan, origin),
        _samples(counts),
        _balance(records, counts["written"]),
        _labels(plan),
        _layout(plan),
        judgement(summary, tuned=bool(origin.checkpoint_sha256)),
        _images(records),
        _licences(licences),
        _COSTS,
    ]
    write_text(out / NAME, "\n\n".join(sections) + "\n")
    return NAME


def _head(plan: ExportPlan, origin: Origin) -> str:
    height, width = plan.size
    weights = f"`{origin.checkpoint_sha256}`" if origin.checkpoint_sha256 else "none, drawn from the grammar"
    return (
        f"# Dataset drawn from {origin.run}\n\n"
        f"Images of {width} x {height} pixels in the format `{plan.format}`, drawn with seed {plan.seed}.\n\n"
        f"* config: `{origin.config_sha256}`\n"
        f"* weights: {weights}\n"
        "* every sample names the seed and index it is made from; `metasim verify` checks all files\n"
        "  against `manifest.json`"
    )


def _samples(counts: Mapping[str, Any]) -> str:
    rows = [*counts["splits"].items(), ("all", counts["written"])]
    failures = "No scene failed."
    if counts["failed"]:
        failures = (
            f"{counts['failed']} of {counts['asked']} scenes failed and are left out, see `failed.csv`."
        )
    return f"## Samples\n\n{table(('split', 'samples'), rows)}\n\n{failures}"


def _balance(records: Sequence[PartRecord], samples: int) -> str:
    classes = count_classes(records)
    seen = Counter[str]()
    for record in records:
        seen.update(record.statistics.get("classes", {}))
    shown = sum(seen.values())
    rows = []
    for number, (name, nodes) in enumerate(classes.items(), start=1):
        share = f"{seen[str(number)] / shown:.4f}" if shown else ""
        rows.append((name, nodes, f"{nodes / max(samples, 1):.3f}", share))
    header = ("class", "nodes", "nodes a sample", "share of pixels")
    return f"## Classes\n\n{table(header, rows)}"


def _labels(plan: ExportPlan) -> str:
    rows = [(f"`{m}`", CONVENTIONS[m]) for m in plan.modalities]
    if plan.affordances and Modality.AFFORDANCE in plan.modalities:
        rows.append(("affordance channels", ", ".join(plan.affordances.names)))
    if plan.part_names and Modality.PART in plan.modalities:
        rows.append(("names of parts", ", ".join(plan.part_names)))
    return f"## Labels\n\n{_CONVENTIONS}\n\n{table(('label', 'meaning'), rows)}"


def _layout(plan: ExportPlan) -> str:
    """What the module of the format, and those it refers to, say of its files and their conventions."""
    module = type(find_format(plan.format)).__module__
    text = inspect.getdoc(sys.modules[module]) or ""
    nearby = [f"{package}.{name}" for name in _SEE.findall(text) for package in (module, FORMATS)]
    documents = (inspect.getdoc(sys.modules[name]) for name in nearby if name in sys.modules)
    return "\n\n".join(("## Files", text, *filter(None, documents)))


def _images(records: Sequence[PartRecord]) -> str:
    header = ("label", "valid pixels", "mean", "std", "5 %", "median", "95 %")
    statistics = (record.statistics for record in records)
    found = summarise(statistics, tuple(count_classes(records)))["modalities"]
    rows = []
    for name, of in found.items():
        numbers = (of["mean"], of["std"], *(of["percentiles"].get(p, []) for p in ("5", "50", "95")))
        cells = (" / ".join(f"{value:.4g}" for value in channels[:_CHANNELS]) for channels in numbers)
        rows.append((f"`{name}`", f"{of['valid'] / max(of['pixels'], 1):.4f}", *cells))
    text = "By channel, at most three; histograms, pixels of each class and more stand in `statistics.json`."
    return f"## Images\n\n{text} `previews/` shows the first samples of each split.\n\n{table(header, rows)}"


def _licences(licences: Mapping[str, str]) -> str:
    if not licences:
        return "## Licences of assets\n\nThe renderer names none: they are those of whatever it was given."
    return f"## Licences of assets\n\n{table(('asset', 'licence'), licences.items())}"


_CHANNELS = 3
_SEE = re.compile(r"see ``(\w+)``")
_CONVENTIONS = (
    "What a sample holds when metasim has read it; how the files tell it stands below. World: metres,\n"
    "right-handed, z up. Camera: looks along -z, +y up; pixel centres at half-integers."
)
_COSTS = (
    "## Costs\n\n"
    "`costs/totals.json` says what the dataset took in all, `costs/samples.csv` what each sample took. Both\n"
    "are measurements, no two exports share them, nothing else depends on them: all files but these have\n"
    "equal bytes whenever the same dataset is exported again, and their hashes stand in `manifest.json`."
)
