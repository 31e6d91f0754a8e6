"""The card of a dataset: what a reader must know before using it, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from metasim.base.files import write_text
from metasim.dataset.journal import PartRecord
from metasim.dataset.manifest import count_classes
from metasim.dataset.modality import CONVENTIONS, Modality
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sample import Origin
from metasim.dataset.statistics import summarise
from metasim.runs.summary import AttributeResult, Moments, Summary

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
        _generator(summary),
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
    return f"## Samples\n\n{_table(('split', 'samples'), rows)}\n\n{failures}"


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
    return f"## Classes\n\n{_table(header, rows)}"


def _labels(plan: ExportPlan) -> str:
    rows = [(f"`{m}`", CONVENTIONS[m]) for m in plan.modalities]
    if plan.affordances and Modality.AFFORDANCE in plan.modalities:
        rows.append(("affordance channels", ", ".join(plan.affordances.names)))
    axes = "World: metres, right-handed, z up. Camera: looks along -z, +y up; pixel centres at half-integers."
    return f"## Labels\n\n{_table(('label', 'meaning'), rows)}\n\n{axes}"


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
    return f"## Images\n\n{text} `previews/` shows the first samples of each split.\n\n{_table(header, rows)}"


def _licences(licences: Mapping[str, str]) -> str:
    if not licences:
        return "## Licences of assets\n\nThe renderer names none: they are those of whatever it was given."
    return f"## Licences of assets\n\n{_table(('asset', 'licence'), licences.items())}"


_CHANNELS = 3
_COSTS = (
    "## Costs\n\n"
    "`costs/totals.json` says what the dataset took in all, `costs/samples.csv` what each sample took. Both\n"
    "are measurements, no two exports share them, nothing else depends on them: all files but these have\n"
    "equal bytes whenever the same dataset is exported again, and their hashes stand in `manifest.json`."
)


def _generator(summary: Summary | None) -> str:
    if summary is None:
        return "## Generator\n\nIts run has no summary, so its distance from the target is not known."
    verdict = summary.verdict
    low, high = verdict.c2st_ci
    return (
        "## Generator\n\n"
        f"On {verdict.n_target} held-out target images and {verdict.n_generated} fresh renders: squared MMD "
        f"{verdict.mmd2:.3g} (target half against half {verdict.mmd2_floor:.3g}), permutation test p = "
        f"{verdict.p_value:.3g}, a classifier tells them apart with accuracy {verdict.c2st:.3f} "
        f"[{low:.3f}, {high:.3f}].\n\n"
        f"{_table(_ATTRIBUTE_HEADER, (_attribute(n, a) for n, a in summary.attributes.items()))}"
    )


_ATTRIBUTE_HEADER = ("attribute", "unit", "prior", "generated", "target", "W1 prior", "W1", "identifiable")


def _attribute(name: str, result: AttributeResult) -> Sequence[str]:
    moments = (_moments(m) for m in (result.prior, result.generated, result.target))
    distances = ("" if w is None else f"{w:.4f}" for w in (result.w1_prior, result.w1))
    return (name, result.unit, *moments, *distances, "yes" if result.identifiable else "no")


def _moments(moments: Moments | None) -> str:
    return "" if moments is None else f"{moments.mean:.4g} ± {moments.std:.3g}"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
