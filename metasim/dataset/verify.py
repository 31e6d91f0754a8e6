"""Verify: whether a dataset is as it was written."""

from __future__ import annotations

from pathlib import Path

from metasim.dataset.costs import SAMPLES, TOTALS
from metasim.dataset.journal import FOLDER as JOURNAL
from metasim.dataset.manifest import LOGS, altered, read_manifest
from metasim.dataset.manifest import NAME as MANIFEST
from metasim.dataset.store import open_store


def verify(dataset: Path | str) -> list[str]:
    """Compares all files of a dataset, in a folder or at an address, with its manifest.

    Costs and logs are what no two exports share, so the manifest does not hold them.

    Returns:
        A line for each file that is missing, altered or not in the manifest; none for a sound dataset.

    Raises:
        InputError: If there is no manifest.
    """
    with open_store(dataset) as store:
        files = read_manifest(store)["files"]
        problems = list(altered(store, files))
        strangers = sorted(store.files() - files.keys() - {MANIFEST, SAMPLES, TOTALS})
    return problems + [f"{path}: not in the manifest" for path in strangers if not _is_ours(path)]


def _is_ours(path: str) -> bool:
    """Whether a file that the manifest does not hold is of the kinds that exports leave."""
    return (path.startswith(JOURNAL) and path.endswith(".json")) or (
        path.startswith(LOGS) and path.endswith(".log")
    )
