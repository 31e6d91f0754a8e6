"""What the card of a dataset says of its generator: how far it is, and was, from the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metasim.dataset.markdown import table
from metasim.runs.summary import AttributeResult, Correlation, Frequency, Moments, Summary

_MOMENTS, _DISTANCES = ("prior", "generated", "target"), ("W1 prior", "W1", "W1 floor")
_ATTRIBUTES = ("attribute", "unit", *_MOMENTS, *_DISTANCES, "identifiable")
_UNTUNED = (
    "Drawn from the grammar as it was before matching, which is the prior below; `W1 prior` is its distance\n"
    "from the target."
)


def judgement(summary: Summary | None, tuned: bool) -> str:
    """The section on the generator.

    Args:
        summary: The numbers of its run, if it has finished.
        tuned: Whether scenes come from the tuned generator, rather than from what it was tuned from.
    """
    if summary is None:
        text = "Its run has no summary, so its distance from the target is not known."
        return f"## Generator\n\n{text}"
    attributes = table(_ATTRIBUTES, (_attribute(n, a) for n, a in summary.attributes.items()))
    parts = [_verdict(summary) if tuned else _UNTUNED, attributes]
    if tuned:
        parts += [*_correlations(summary.correlations), *_shares("class", summary.classes)]
        parts += _shares("number", summary.counts)
    return "\n\n".join(("## Generator", *parts))


def _verdict(summary: Summary) -> str:
    verdict = summary.verdict
    low, high = verdict.c2st_ci
    words = f"{verdict.words} " if verdict.words else ""
    return (
        f"{words}On {verdict.n_target} held-out target images and {verdict.n_generated} fresh renders: "
        f"squared MMD {verdict.mmd2:.3g} (target half against half {verdict.mmd2_floor:.3g}), permutation "
        f"test p = {verdict.p_value:.3g}, a classifier tells them apart with accuracy {verdict.c2st:.3f} "
        f"[{low:.3f}, {high:.3f}]. All numbers stand in `generator.json`."
    )


def _attribute(name: str, result: AttributeResult) -> Sequence[str]:
    moments = (_moments(m) for m in (result.prior, result.generated, result.target))
    distances = ("" if w is None else f"{w:.4f}" for w in (result.w1_prior, result.w1, result.w1_floor))
    return (name, result.unit, *moments, *distances, "yes" if result.identifiable else "no")


def _moments(moments: Moments | None) -> str:
    return "" if moments is None else f"{moments.mean:.4g} ± {moments.std:.3g}"


def _correlations(found: Sequence[Correlation]) -> list[str]:
    rows = [(f"{c.a}, {c.b}", f"{c.generated:.3f}", _number(c.target)) for c in found]
    return [table(("correlation of", "generated", "target"), rows)] if rows else []


def _shares(what: str, found: Mapping[str, Mapping[str, Frequency]]) -> list[str]:
    rows = [
        (node, name, f"{share.generated:.3f}", _number(share.target))
        for node, shares in found.items()
        for name, share in shares.items()
    ]
    return [table(("of", what, "generated", "target"), rows)] if rows else []


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
