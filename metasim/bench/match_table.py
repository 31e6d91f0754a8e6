"""The matching suite as a table for people: a row an experiment, seeds side by side, what fails in bold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from metasim.bench.suite import CORRELATION_ERROR, FLOOR_FACTOR, MODE_ERROR, OURS, STD_RATIO, SUITE

Line = dict[str, Any]
Told = tuple[str, bool]
"""What a cell says of a run, and whether it is as wanted."""

HEAD = (
    "experiment",
    "seeds",
    "wanted",
    "worst W1 (floor, images)",
    "std",
    "corr",
    "mode",
    "renders",
    "matched",
)


def table(runs: Sequence[Line]) -> str:
    """The runs as a Markdown table.

    Args:
        runs: Lines of ``match.run_suite``.
    """
    rows = [HEAD, ("---",) * len(HEAD)]
    for name, method in dict.fromkeys((r["experiment"], r["method"]) for r in runs):
        mine = [r for r in runs if (r["experiment"], r["method"]) == (name, method)]
        rows.append(
            (
                name if method == OURS else f"{name}, {method}",
                ", ".join(str(r["seed"]) for r in mine),
                f"{SUITE[name].w1:g}",
                _cells(mine, _w1),
                _cells(mine, _std),
                _cells(mine, _correlation),
                _cells(mine, _mode),
                _cells(mine, _renders),
                f"{sum(r['matched'] for r in mine)} of {len(mine)}",
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(runs: Sequence[Line], tell: Callable[[Line], Told | None]) -> str:
    """What is told of each run, once where it is the same of all."""
    told = [found for found in map(tell, runs) if found is not None]
    texts = [text if good else f"**{text}**" for text, good in told]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def _w1(run: Line) -> Told | None:
    if run["worst_w1"] is None:
        return None
    w1, floor = run["worst_w1"], run["floor"]
    images = f", {run['sample']:.4f}" if "sample" in run else ""
    return f"{w1:.4f} ({floor:.4f}{images})", w1 <= max(SUITE[run["experiment"]].w1, FLOOR_FACTOR * floor)


def _std(run: Line) -> Told | None:
    if run["std_ratio"] is None:
        return None
    low, high = run["std_ratio"]
    text = f"{low:.2f}" if low == high else f"{low:.2f}-{high:.2f}"
    return text, STD_RATIO[0] <= low and high <= STD_RATIO[1]


def _correlation(run: Line) -> Told | None:
    error = run["worst_correlation_error"]
    return None if error is None else (f"{error:.2f}", error <= CORRELATION_ERROR)


def _mode(run: Line) -> Told | None:
    error = run["mode_error"]
    return None if error is None else (f"{error:.2f}", error <= MODE_ERROR)


def _renders(run: Line) -> Told:
    return f"{run['renders']:,}", run["renders"] <= SUITE[run["experiment"]].renders
