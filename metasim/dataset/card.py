"""The card of a dataset: what a reader must know before using it, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from metasim.base.files import write_text
from metasim.dataset.modality import CONVENTIONS
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sample import Origin
from metasim.runs.summary import AttributeResult, Moments, Summary

NAME = "card.md"


def write_card(
    out: Path,
    plan: ExportPlan,
    origin: Origin,
    counts: Mapping[str, Any],
    classes: Mapping[str, int],
    summary: Summary | None,
) -> str:
    """Writes the card.

    Args:
        out: The dataset.
        plan: What was asked for.
        origin: The generator.
        counts: Samples by split, see ``manifest.count_samples``.
        classes: Nodes of each class.
        summary: The numbers of the run that made the generator, if it has finished.

    Returns:
        Its path within the dataset.
    """
    sections = [
        _head(plan, origin),
        _samples(counts),
        _balance(classes, counts["written"]),
        _labels(plan),
        _generator(summary),
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


def _balance(classes: Mapping[str, int], samples: int) -> str:
    rows = [(name, number, f"{number / max(samples, 1):.3f}") for name, number in classes.items()]
    return f"## Classes\n\n{_table(('class', 'nodes', 'nodes a sample'), rows)}"


def _labels(plan: ExportPlan) -> str:
    rows = [(f"`{m}`", CONVENTIONS[m]) for m in plan.modalities]
    axes = "World: metres, right-handed, z up. Camera: looks along -z, +y up; pixel centres at half-integers."
    return f"## Labels\n\n{_table(('label', 'meaning'), rows)}\n\n{axes}"


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
