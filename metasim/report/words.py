"""Words: what the numbers of a verdict say, in sentences."""

from __future__ import annotations

from importlib.metadata import version

from metasim.report.headline import worst_attribute
from metasim.report.run_data import DISTRIBUTION, RunData
from metasim.runs.summary import Summary, Verdict

SIGNIFICANCE = 0.05

_STATES = {
    "created": "This run has not begun to work.",
    "running": "This run is in progress: the page shows what there is so far.",
    "interrupted": "This run was interrupted: the page shows what it left. It goes on with --resume.",
    "failed": "This run failed: the page shows what it left.",
    "finished": "This run is finished.",
}


def state_sentence(run: RunData) -> str:
    """What became of the run."""
    sentence = _STATES[run.status]
    return f"{sentence} {run.manifest.error}" if run.status == "failed" and run.manifest.error else sentence


def verdict_sentences(summary: Summary) -> list[str]:
    """The verdict, the test behind it, and how the attributes came out."""
    words = summary.verdict.words  # which runs of earlier versions lack
    return [*([words] if words else []), *_test_sentences(summary.verdict), _attribute_sentence(summary)]


def _test_sentences(verdict: Verdict) -> list[str]:
    low, high = verdict.c2st_ci
    told = "cannot" if low <= 0.5 else "can"
    same = verdict.p_value >= SIGNIFICANCE
    return [
        f"On held-out images the two-sample test {'finds no difference' if same else 'finds a difference'} "
        f"between generated and target (p = {verdict.p_value:.3f}, {verdict.n_generated} renders, "
        f"{verdict.n_target} target images; MMD² {verdict.mmd2:.2e}, between two halves of the target "
        f"{verdict.mmd2_floor:.2e}).",
        f"A classifier {told} tell them apart: it is right in {verdict.c2st:.1%} of cases "
        f"(95 % interval {low:.1%} to {high:.1%}; 50 % is chance).",
    ]


def _attribute_sentence(summary: Summary) -> str:
    identifiable = sum(a.identifiable for a in summary.attributes.values())
    count = f"The images determine {identifiable} of {len(summary.attributes)} attributes"
    worst = worst_attribute(summary)
    if worst is None:
        return f"{count}. The target's true attributes are unknown, so only its images are compared."
    name, result = worst
    floor = "" if result.w1_floor is None else f", {result.w1_floor:.4f} between two draws of the target"
    before = "" if result.w1_prior is None else f", {result.w1_prior:.4f} before matching"
    distance = f"W1 {result.w1:.4f} of the range{floor}{before}"
    return f"{count}; of these, {name} is farthest from the target: {distance}."


def reading_sentences(run: RunData) -> list[str]:
    """What could not be read of the run, and which version made it."""
    made = (
        f"This run was made by metasim {run.version}; this page by {version(DISTRIBUTION)}."
        if run.foreign
        else ""
    )
    if not run.faults:
        return [made] if made else []
    reason = "made by another version, or damaged" if not made else "left out"
    return [*([made] if made else []), f"Could not be read as it stands ({reason}):", *run.faults]
