"""The matching suite: experiments, methods and seeds, each run once and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError
from metasim.config import ExperimentConfig, load_experiment
from metasim.pipeline import Experiment
from metasim.runs.progress import Progress
from metasim.runs.summary import AttributeResult, Summary


@dataclass(frozen=True)
class Row:
    """An experiment of the suite.

    Attributes:
        w1: Largest error (of the range) that counts as matched.
        renders: Most renders.
        experiment: Its file, without the suffix, where it is not the row's name.
        settings: What differs from the file.
    """

    w1: float
    renders: int
    experiment: str | None = None
    settings: tuple[str, ...] = ()


SUITE = {
    "digits_rotation": Row(0.01, 2500),
    "digits_rotation_translation": Row(0.01, 4000),
    "digits_bimodal": Row(0.02, 5000),
    "digits_five": Row(0.015, 5000),
    "tyol/single_1_attr": Row(0.01, 2000),
    "tyol/single_3_attr": Row(0.01, 2500),
    "tyol/single_5_attr": Row(0.012, 4000),
    "tyol/single_8_attr": Row(0.012, 7000),
    "tyol/multi_1_attr": Row(0.015, 3000),
    "tyol/multi_3_attr": Row(0.015, 5000),
    "tyol/multi_5_attr": Row(0.015, 8000),
    "tyol": Row(0.02, 12000),
    "tyol/multi_8_attr_bimodal": Row(0.02, 12000),
    "digits_rotation_translation_looks": Row(
        0.02, 4000, "digits_rotation_translation", ("target.changed=looks",)
    ),
    "tyol/single_3_attr_looks": Row(0.02, 2500, "tyol/single_3_attr", ("target.changed=looks",)),
    "digits_rotation_100": Row(0.02, 2500, "digits_rotation", ("target.num=100",)),
}
QUICK = ("digits_rotation", "digits_rotation_translation")
STD_RATIO = (0.8, 1.25)
CORRELATION_ERROR = 0.1
STRONG_CORRELATION = 0.5
FLOOR_FACTOR = 2.0

Line = dict[str, Any]


def run_suite(
    folder: Path,
    names: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    progress: Progress,
) -> Iterator[Line]:
    """Runs every combination, or takes it from ``out`` if it is there; yields a line each, then the summary.

    Args:
        folder: Folder of the experiments.
        names: Experiments, keys of ``SUITE``.
        methods: Presets of the matching.
        seeds: Root seeds.
        out: Folder of the runs.
        progress: What the spectator sees.

    Raises:
        InputError: If an experiment is not of the suite.
    """
    lines = []
    for name in names:
        if name not in SUITE:
            raise InputError("--only", name, f"some of {', '.join(SUITE)}")
        for method in methods:
            for seed in seeds:
                config = experiment(folder, name, method, seed)
                progress.say(f"{name}, {method}, seed {seed}")
                run = Experiment.prepare(config).run(out / method, resume=True, progress=progress)
                lines.append(measure(Summary.load(run.summary), name, method))
                yield lines[-1]
    matched = sum(line["matched"] for line in lines)
    yield {"bench": "match", "passed": matched, "of": len(lines), "runs": lines}


def experiment(folder: Path, name: str, method: str, seed: int) -> ExperimentConfig:
    """The experiment of a row."""
    row = SUITE[name]
    settings = [f"name={name.replace('/', '_')}", f"matching.preset={method}", *row.settings]
    return load_experiment(folder / f"{row.experiment or name}.yaml", settings, seed)


def measure(summary: Summary, name: str, method: str) -> Line:
    """The figures of a run, and whether it counts as matched."""
    known = {k: a for k, a in summary.attributes.items() if a.identifiable and a.w1 is not None}
    worst = max(known.values(), key=lambda a: a.w1 or 0.0, default=None)
    ratios = [r for r in (_std_ratio(a) for a in known.values()) if r is not None]
    errors = [
        abs(pair.target - pair.generated)
        for pair in summary.correlations
        if pair.target is not None and abs(pair.target) > STRONG_CORRELATION
    ]
    bound, most = SUITE[name].w1, SUITE[name].renders
    close = all((a.w1 or 0) <= max(bound, FLOOR_FACTOR * (a.w1_floor or 0)) for a in known.values())
    spread = all(STD_RATIO[0] <= r <= STD_RATIO[1] for r in ratios)
    related = max(errors, default=0.0) <= CORRELATION_ERROR
    return {
        "experiment": name,
        "method": method,
        "seed": summary.seed,
        "renders": summary.renders,
        "seconds": round(summary.wall_seconds, 1),
        "worst_w1": worst.w1 if worst else None,
        "floor": worst.w1_floor if worst else None,
        "std_ratio": [round(min(ratios), 3), round(max(ratios), 3)] if ratios else None,
        "worst_correlation_error": max(errors, default=None),
        "p_value": summary.verdict.p_value,
        "c2st": summary.verdict.c2st,
        "matched": bool(known) and close and spread and related and summary.renders <= most,
    }


def _std_ratio(result: AttributeResult) -> float | None:
    if result.target is None or not result.spread_identifiable or result.target.std == 0:
        return None
    return result.generated.std / result.target.std


def table(runs: Sequence[Line]) -> str:
    """The runs as a Markdown table, a row an experiment and method, seeds side by side."""
    rows = [
        "| experiment | method | worst W1 (floor) | std ratio | renders | matched |",
        "|---|---|---|---|---|---|",
    ]
    keys = dict.fromkeys((r["experiment"], r["method"]) for r in runs)
    for name, method in keys:
        mine = [r for r in runs if (r["experiment"], r["method"]) == (name, method)]
        w1 = " / ".join(f"{r['worst_w1']:.4f} ({r['floor']:.4f})" for r in mine)
        std = " / ".join(
            f"{r['std_ratio'][0]:.2f}-{r['std_ratio'][1]:.2f}" if r["std_ratio"] else "-" for r in mine
        )
        renders = max(r["renders"] for r in mine)
        passed = f"{sum(r['matched'] for r in mine)} of {len(mine)}"
        rows.append(f"| {name} | {method} | {w1} | {std} | {renders} | {passed} |")
    return "\n".join(rows)
