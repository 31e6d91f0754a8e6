"""Comparison: several runs side by side, as a table and as comparison.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metasim.base.files import write_json
from metasim.report.costs import stage_costs
from metasim.report.headline import headline
from metasim.report.run_data import RunData


def comparison(runs: Sequence[RunData]) -> dict[str, Any]:
    """Headline, verdict and attributes of each run, and W1 by attribute across the runs."""
    return {
        "runs": [_entry(run) for run in runs],
        "w1": {name: [_w1(run, name) for run in runs] for name in _attribute_names(runs)},
    }


def write_comparison(runs: Sequence[RunData], path: Path) -> None:
    """Writes ``comparison.json``."""
    write_json(path, comparison(runs))


def _entry(run: RunData) -> dict[str, Any]:
    row = asdict(headline(run)) | {
        "path": str(run.folder.path),
        "version": run.version,
        "faults": run.faults,
        "stages": [asdict(cost) for cost in stage_costs(run.metrics)],
    }
    if run.summary is None:
        return row | {"render_seconds": None, "verdict": None, "attributes": {}}
    summary = run.summary.model_dump(mode="json")
    return row | {key: summary[key] for key in ("render_seconds", "verdict", "attributes")}


def _attribute_names(runs: Sequence[RunData]) -> list[str]:
    return list(dict.fromkeys(name for run in runs if run.summary for name in run.summary.attributes))


def _w1(run: RunData, name: str) -> float | None:
    result = run.summary.attributes.get(name) if run.summary else None
    return result.w1 if result else None
