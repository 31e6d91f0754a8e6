"""Verify: whether a dataset is as it was written."""

from __future__ import annotations

from pathlib import Path

from metasim.dataset.journal import NAME as JOURNAL
from metasim.dataset.journal import FileRecord
from metasim.dataset.manifest import NAME as MANIFEST
from metasim.dataset.manifest import load_manifest


def verify(dataset: Path) -> list[str]:
    """Compares all files of a dataset with its manifest.

    Returns:
        A line for each file that is missing, altered or not in the manifest; none for a sound dataset.

    Raises:
        InputError: If there is no manifest.
    """
    listed = {path: FileRecord(**record) for path, record in load_manifest(dataset)["files"].items()}
    problems = [
        f"{path}: {fault}" for path, file in listed.items() if (fault := file.problem(dataset / path))
    ]
    found = {str(p.relative_to(dataset)) for p in dataset.rglob("*") if p.is_file()}
    strangers = sorted(found - listed.keys() - {MANIFEST, JOURNAL})
    return problems + [f"{path}: not in the manifest" for path in strangers]
