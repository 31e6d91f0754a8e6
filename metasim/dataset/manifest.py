"""The manifest of a dataset: what it is, and the hash and size of each of its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, PositiveInt, StrictBool

from metasim import __version__
from metasim.base.errors import InputError
from metasim.base.validation import validated
from metasim.dataset.journal import PartRecord
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan
from metasim.dataset.record import FileRecord
from metasim.dataset.sample import Origin
from metasim.dataset.store import Store, open_store
from metasim.runs.manifest import versions

NAME = "manifest.json"
LOGS = "logs/"
"""Folder of the logs of an export that keeps some; no part of the dataset."""


def export_identity(plan: ExportPlan, origin: Origin, source: str = "") -> dict[str, Any]:
    """Everything that the bytes of an export depend on, as JSON data.

    Args:
        plan: What is exported.
        origin: The generator.
        source: Hash of the manifest of the dataset that it is converted from; empty for a new one.
    """
    words = plan.affordances
    return {
        "metasim": __version__,
        "format": plan.format,
        "num": plan.num,
        "seed": plan.seed,
        "modalities": [str(m) for m in plan.modalities],
        "split": dict(plan.split),
        "image_size": list(plan.size),
        "part_samples": plan.per_part,
        "views": plan.views,
        "siblings": plan.siblings,
        "independent_draws": plan.independent_draws,
        "affordances": {key: sorted(row) for key, row in words.rows.items()} if words else None,
        "part_names": list(plan.part_names),
        "generator": asdict(origin),
        "converted_from": source,
    }


def count_samples(plan: ExportPlan, records: Sequence[PartRecord]) -> dict[str, Any]:
    """Scenes asked for, written, failed and written by split."""
    written = {
        split: sum(len(r.written) for r in records if r.part.startswith(f"{split}/")) for split in plan.split
    }
    failed = sum(len(record.failed) for record in records)
    return {"asked": plan.num, "written": sum(written.values()), "failed": failed, "splits": written}


def count_classes(records: Sequence[PartRecord]) -> dict[str, int]:
    """Nodes of each class in all samples, classes in the order of the first record."""
    total: dict[str, int] = {}
    for record in records:
        for name, count in record.classes.items():
            total[name] = total.get(name, 0) + count
    return total


def write_manifest(
    store: Store,
    identity: Mapping[str, Any],
    counts: Mapping[str, Any],
    records: Sequence[PartRecord],
    files: Mapping[str, FileRecord],
    licences: Mapping[str, str],
) -> None:
    """Writes the manifest, last of all files of a dataset.

    Args:
        store: The dataset.
        identity: See ``export_identity``.
        counts: See ``count_samples``.
        records: Its parts, whose files are not read again.
        files: Its other files.
        licences: Licence of each asset that its images show.
    """
    known = {path: file for record in records for path, file in record.files.items()} | dict(files)
    content = {
        "export": identity,
        "versions": versions(),
        "counts": counts,
        "classes": count_classes(records),
        "licences": licences,
        "files": {path: asdict(known[path]) for path in sorted(known)},
    }
    store.write(NAME, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def altered(store: Store, files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each file of a manifest that is missing or not as it was written."""
    for path, record in files.items():
        if fault := FileRecord(**record).problem(store.record(path)):
            yield f"{path}: {fault}"


def load_manifest(dataset: Path | str) -> dict[str, Any]:
    """Reads the manifest of a dataset in a folder or at an address; see ``read_manifest``."""
    with open_store(dataset) as store:
        return read_manifest(store)


def read_manifest(store: Store) -> dict[str, Any]:
    """Reads a manifest.

    Raises:
        InputError: If there is none, or it is not one.
    """
    path = f"{store.name.rstrip('/')}/{NAME}"
    try:
        content = json.loads(store.read(NAME))
    except OSError as error:
        raise InputError(path, error.strerror or "unreadable", "the manifest of a dataset") from error
    except ValueError as error:
        raise InputError(path, "other content", "the manifest of a dataset") from error
    validated(_Content, content, path)
    return content


class _File(BaseModel):
    sha256: str
    size: Annotated[int, Field(ge=0, strict=True)]


class _Export(BaseModel):
    """What of an export's identity is read again."""

    format: str
    num: Annotated[int, Field(ge=1, strict=True)]
    seed: Annotated[int, Field(ge=0, strict=True)]
    modalities: list[Modality]
    split: dict[str, float]
    image_size: tuple[PositiveInt, PositiveInt]
    affordances: dict[str, list[str]] | None
    generator: dict[str, Any]
    siblings: Annotated[int, Field(ge=1, strict=True)] = 1  # earlier ones do not tell
    independent_draws: StrictBool = True  # nor this


class _Counts(BaseModel):
    """What of the numbers of scenes is read again."""

    splits: dict[str, Annotated[int, Field(ge=0, strict=True)]]


class _Content(BaseModel):
    """What every manifest holds."""

    export: _Export
    counts: _Counts
    classes: dict[str, int]
    licences: dict[str, str]
    files: dict[str, _File]
