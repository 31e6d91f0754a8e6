"""Headline: a run in one row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from metasim.report.run_data import RunData
from metasim.runs.summary import AttributeResult, Summary


@dataclass(frozen=True)
class Headline:
    """What a table of runs shows; numbers a run does not have yet are ``None``.

    Attributes:
        path: Folder of the run.
        experiment: Name of the experiment.
        seed: Root seed.
        status: What became of the run.
        renders: Images rendered for learning.
        seconds: Wall time.
        finding: What the verdict comes to, in a word.
        p_value: Of the held-out permutation test.
        c2st: Accuracy of the classifier two-sample test; 0.5 is chance.
        worst: Identifiable attribute with the greatest distance to the target.
        w1: That distance.
        w1_floor: Its floor.
    """

    path: Path
    experiment: str
    seed: int
    status: str
    renders: int | None
    seconds: float | None
    finding: str | None = None
    p_value: float | None = None
    c2st: float | None = None
    worst: str | None = None
    w1: float | None = None
    w1_floor: float | None = None


def worst_attribute(summary: Summary) -> tuple[str, AttributeResult] | None:
    """The identifiable attribute with the greatest W1; ``None`` where the target's values are unknown."""
    known = [(n, a) for n, a in summary.attributes.items() if a.identifiable and a.w1 is not None]
    return max(known, key=lambda item: item[1].w1 or 0.0, default=None)


def headline(run: RunData) -> Headline:
    """The row of a run."""
    manifest, summary = run.manifest, run.summary
    if summary is None:
        renders, seconds = manifest.renders.get("learning"), manifest.seconds or None
        return Headline(run.folder.path, manifest.experiment, manifest.seed, run.status, renders, seconds)
    name, result = worst_attribute(summary) or (None, None)
    return Headline(
        path=run.folder.path,
        experiment=summary.experiment,
        seed=summary.seed,
        status=run.status,
        renders=summary.renders,
        seconds=summary.wall_seconds,
        finding=summary.verdict.finding,
        p_value=summary.verdict.p_value,
        c2st=summary.verdict.c2st,
        worst=name,
        w1=result.w1 if result else None,
        w1_floor=result.w1_floor if result else None,
    )
