"""Matching, measured: experiments, methods and seeds, each run once and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.bench.suite import (
    CORRELATION_ERROR,
    FLOOR_FACTOR,
    MODE_ERROR,
    OURS,
    STD_RATIO,
    SUITE,
    Mode,
    experiment,
)
from metasim.config import ExecutorConfig
from metasim.matching.target import Target
from metasim.pipeline import Experiment
from metasim.runs.epochs import load_epochs
from metasim.runs.folder import RunFolder
from metasim.runs.population import Array, Column, Populations
from metasim.runs.progress import Progress
from metasim.runs.summary import AttributeResult, Summary
from metasim.scene.layout import Labels, SceneLayout
from metasim.stats.wasserstein import circular_wasserstein, wasserstein
from metasim.verdict.attributes import told_rows
from metasim.verdict.identifiability import Identifiability

STRONG_CORRELATION = 0.5

Line = dict[str, Any]
Mask = npt.NDArray[np.bool_]


def run_suite(
    folder: Path,
    names: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    progress: Progress,
    budget: int | None = None,
    executor: ExecutorConfig = ExecutorConfig(),  # noqa: B008 (it does not change)
) -> Iterator[Line]:
    """Runs every combination, or takes it from ``out`` if it is there; yields a line each, then the summary.

    Args:
        folder: Folder of the experiments.
        names: Experiments, keys of ``SUITE``.
        methods: Presets of the matching.
        seeds: Root seeds.
        out: Folder of the runs.
        progress: What the spectator sees.
        budget: Renders that a baseline may spend; by default as many as the row allows.
        executor: Where renders are made.

    Raises:
        InputError: If an experiment is not of the suite.
    """
    lines: list[Line] = []
    for name in names:
        if name not in SUITE:
            raise InputError("--only", name, f"some of {', '.join(SUITE)}")
        ours: dict[int, Line] = {}
        for method in methods:
            for seed in seeds:
                config = experiment(folder, name, method, seed, budget)
                config = config.model_copy(update={"executor": executor})
                progress.say(f"{name}, {method}, seed {seed}")
                place = out / method if budget is None or method == OURS else out / f"{method}_{budget}"
                prepared = Experiment.prepare(config)
                run = prepared.run(place, resume=True, progress=progress)
                drawn, summary = Populations.load(run.population), Summary.load(run.summary)
                line = measure(summary, name, method, drawn)
                if (worst := line["attribute"]) is not None:
                    target = Target.load(run.target)
                    told = told_by(prepared.layout, worst, summary.attributes[worst], target)
                    line["sample"] = sample_w1(drawn, target, worst, told)
                if method == OURS:
                    ours[seed] = line
                elif seed in ours:
                    line["renders_to_ours"] = renders_to_reach(run, ours[seed]["worst_w1"])
                lines.append(line)
                yield line
    matched = sum(line["matched"] for line in lines)
    yield {"bench": "match", "passed": matched, "of": len(lines), "runs": lines}


def measure(summary: Summary, name: str, method: str, drawn: Populations | None = None) -> Line:
    """The figures of a run, and whether it counts as matched.

    Args:
        summary: Its summary.
        name: Key of ``SUITE``.
        method: Preset of the matching.
        drawn: Its populations, where modes are to be weighed.
    """
    known = {k: a for k, a in summary.attributes.items() if a.identifiable and a.w1 is not None}
    name_of_worst = max(known, key=lambda k: known[k].w1 or 0.0, default=None)
    worst = known[name_of_worst] if name_of_worst else None
    ratios = [r for r in (_std_ratio(a) for a in known.values()) if r is not None]
    errors = [
        abs(pair.target - pair.generated)
        for pair in summary.correlations
        if pair.target is not None and abs(pair.target) > STRONG_CORRELATION
    ]
    bound, most, mode = SUITE[name].w1, SUITE[name].renders, SUITE[name].mode
    weighed = None if drawn is None or mode is None else mode_error(drawn, mode)
    close = all((a.w1 or 0) <= max(bound, FLOOR_FACTOR * (a.w1_floor or 0)) for a in known.values())
    spread = all(STD_RATIO[0] <= r <= STD_RATIO[1] for r in ratios)
    related = max(errors, default=0.0) <= CORRELATION_ERROR
    formed = weighed is None or weighed <= MODE_ERROR
    return {
        "experiment": name,
        "method": method,
        "seed": summary.seed,
        "renders": summary.renders,
        "seconds": round(summary.wall_seconds, 1),
        "attribute": name_of_worst,
        "worst_w1": worst.w1 if worst else None,
        "floor": worst.w1_floor if worst else None,
        "std_ratio": [round(min(ratios), 3), round(max(ratios), 3)] if ratios else None,
        "worst_correlation_error": max(errors, default=None),
        "mode_error": None if weighed is None else round(weighed, 4),
        "p_value": summary.verdict.p_value,
        "c2st": summary.verdict.c2st,
        "matched": bool(known) and close and spread and related and formed and summary.renders <= most,
    }


def _std_ratio(result: AttributeResult) -> float | None:
    if result.target is None or not result.spread_identifiable or result.target.std == 0:
        return None
    return result.generated.std / result.target.std


def told_by(layout: SceneLayout, name: str, result: AttributeResult, scenes: Labels) -> Mask:
    """(n,) which scenes show an attribute in a class that a run has found to tell it."""
    column = next(c for c in layout.columns if c.name == name)
    hidden = tuple(result.classes_not_identifiable)
    known = Identifiability(hidden, result.identifiable, result.spread_identifiable)
    return told_rows(layout, column, known, scenes)


def sample_w1(drawn: Populations, target: Target, name: str, told: Mask) -> float:
    """How far the images that are learnt from are themselves from the target's law, of the range.

    With less than all of a law to learn from, no method can be expected to come nearer than about this.

    Args:
        drawn: Populations of a run, with the target's.
        target: Its target.
        name: An attribute, ``<node>.<attribute>``.
        told: (M,) which of the target's images tell it; the others do not count.
    """
    j = [column.name for column in drawn.columns].index(name)
    column = drawn.columns[j]
    assert drawn.target is not None
    law = (_told_values(drawn, "target", drawn.target, j) - column.low) / (column.high - column.low)
    learnt = target.units[: target.learning, j][told[: target.learning]]
    distance = circular_wasserstein if column.periodic else wasserstein
    return float(distance(learnt, law, 1.0))


def _told_values(drawn: Populations, name: str, values: Array, j: int) -> Array:
    """Those values of column j of a population that its scenes tell."""
    known = drawn.told.get(name)
    return values[:, j] if known is None else values[known[:, j], j]


def mode_error(drawn: Populations, mode: Mode) -> float:
    """By how much the generated weight of a mode differs from the target's, where images tell it."""
    j = [column.name for column in drawn.columns].index(mode.column)

    def weight(name: str, values: Array) -> float:
        known = _told_values(drawn, name, values, j)
        return float(((known > mode.low) & (known < mode.high)).mean())

    assert drawn.target is not None
    return abs(weight("generated", drawn.generated) - weight("target", drawn.target))


def renders_to_reach(run: RunFolder, w1: float) -> int | None:
    """Renders after which a run was first seen to be as near to the target, if it ever was.

    It is looked at in the few moments that the run has kept.
    """
    drawn, results = Populations.load(run.population), Summary.load(run.summary).attributes
    assert drawn.target is not None
    for epoch in load_epochs(run.epochs):
        errors = [
            _distance(column, epoch.values[:, j], drawn.target[:, j])
            for j, column in enumerate(drawn.columns)
            if results[column.name].identifiable
        ]
        if max(errors, default=0.0) <= w1:
            return epoch.renders
    return None


def _distance(column: Column, a: Array, b: Array) -> float:
    span = column.high - column.low
    return circular_wasserstein(a, b, span) if column.periodic else wasserstein(a, b, span)
