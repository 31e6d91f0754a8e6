"""Seeds: what runs are called side by side; those that differ in their seed alone belong together."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from metasim.base.errors import InputError
from metasim.base.files import read_yaml
from metasim.report.run_data import RunData


def distinct_names(runs: Sequence[RunData]) -> list[str]:
    """A name a run; runs of one experiment and seed, of different configurations, are numbered."""
    found: list[str] = []
    for run in runs:
        found.append(_unused(run.name, found))
    return found


def by_experiment(runs: Sequence[RunData]) -> dict[str, list[RunData]]:
    """Runs of one configuration but for the seed, under the name of the experiment.

    A run that stands alone goes by its own name, and so do all runs of an experiment that was run in
    several configurations.
    """
    grouped: dict[str, list[RunData]] = {}
    for run in runs:
        grouped.setdefault(_without_seed(run), []).append(run)
    names = [group[0].manifest.experiment for group in grouped.values()]
    found: dict[str, list[RunData]] = {}
    for group, name in zip(grouped.values(), names, strict=True):
        if len(group) > 1 and names.count(name) == 1:
            found[f"{name} ({len(group)} seeds)"] = group
        else:
            found |= {_unused(run.name, found): [run] for run in group}
    return found


def _without_seed(run: RunData) -> str:
    try:
        config = read_yaml(run.folder.config)
    except InputError:
        return str(run.folder.path)
    return json.dumps({key: value for key, value in config.items() if key != "seed"}, default=str)


def _unused(name: str, taken: Collection[str]) -> str:
    number = sum(other == name or other.startswith(f"{name} #") for other in taken)
    return f"{name} #{number + 1}" if number else name
