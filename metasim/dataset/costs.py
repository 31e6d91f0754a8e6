"""Costs of a dataset: what each sample took, and all together.

They are measurements, so no two exports agree on them. They lie in a folder of their own that neither the
manifest nor any other file of the dataset depends on: all the rest has equal bytes however it was made.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from metasim.dataset.journal import PartRecord, SceneCost
from metasim.dataset.sample import sample_key
from metasim.dataset.store import Store

FOLDER = "costs/"
SAMPLES, TOTALS = f"{FOLDER}samples.csv", f"{FOLDER}totals.json"


def write_costs(store: Store, records: Sequence[PartRecord], wall_s: float) -> None:
    """Writes a table with a row a scene, and totals.

    Args:
        store: The dataset.
        records: Its parts.
        wall_s: Seconds that this process spent on the export; what came before an interruption is not in it.
    """
    costs = sorted((index, r.part, cost) for r in records for index, cost in r.costs.items())
    stages = sorted({name for _, _, cost in costs if cost.render for name in cost.render.stages})
    rows = [_row(index, part, cost, stages) for index, part, cost in costs]
    text = io.StringIO()
    header = ("index", "key", "part", *_COLUMNS, *(f"{name}_s" for name in stages))
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    store.write(SAMPLES, text.getvalue().encode())
    totals = _totals([cost for _, _, cost in costs], stages, wall_s)
    store.write(TOTALS, (json.dumps(totals, indent=1) + "\n").encode())


_COLUMNS = ("render_wall_s", "render_cpu_s", "render_peak_mb", "label_s")


def _row(index: int, part: str, cost: SceneCost, stages: Sequence[str]) -> list[Any]:
    render = cost.render
    known = (
        [f"{render.wall_s:.6f}", f"{render.cpu_s:.6f}", f"{render.peak_bytes / 1e6:.1f}"] if render else []
    )
    times = render.stages if render else {}
    shares = (f"{times[name]:.6f}" if name in times else "" for name in stages)
    return [index, sample_key(index), part, *(known or [""] * 3), f"{cost.label_s:.6f}", *shares]


def _totals(costs: Sequence[SceneCost], stages: Sequence[str], wall_s: float) -> Mapping[str, Any]:
    renders = [cost.render for cost in costs if cost.render]
    return {
        "scenes": len(costs),
        "render_wall_s": sum(r.wall_s for r in renders),
        "render_cpu_s": sum(r.cpu_s for r in renders),
        "render_peak_mb": max((r.peak_bytes for r in renders), default=0) / 1e6,
        "label_s": sum(cost.label_s for cost in costs),
        "stages_s": {name: sum(r.stages.get(name, 0.0) for r in renders) for name in stages},
        "last_session_wall_s": wall_s,
    }
