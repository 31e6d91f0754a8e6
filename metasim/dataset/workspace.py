"""Workspace: what may be written at the place of an export, and what of it is done already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metasim.base.errors import InputError
from metasim.dataset.journal import FOLDER as JOURNAL
from metasim.dataset.journal import Journal, PartRecord, check_identity
from metasim.dataset.manifest import LOGS, altered, read_manifest
from metasim.dataset.manifest import NAME as MANIFEST
from metasim.dataset.store import Store


def is_finished(store: Store, identity: Mapping[str, Any], resume: bool) -> bool:
    """Whether this very export is there already, whole.

    Raises:
        InputError: If another dataset is, or this one, which has been damaged or ``resume`` is off.
    """
    if not store.exists(MANIFEST):
        return False
    if not resume:
        raise InputError(store.name, "a finished dataset", "an empty or new folder")
    content = read_manifest(store)
    check_identity(store.name, content["export"], identity)
    for problem in altered(store, content["files"]):
        raise InputError(store.name, problem, "what was written, or another place to write it anew")
    Journal(store).remove()
    return True


def finished_parts(store: Store, identity: Mapping[str, Any], resume: bool) -> list[PartRecord]:
    """The parts that an interrupted export has left whole; leftovers of unfinished ones are removed.

    Raises:
        InputError: If something else is there, or an unfinished export and ``resume`` is off.
    """
    journal = Journal(store)
    if not journal.exists():
        _refuse_foreign(store)
        return []
    if not resume:
        raise InputError(store.name, "an unfinished export", "--resume to go on with it, or an empty folder")
    records = journal.read(identity)
    for path in store.files():
        if path.rpartition("/")[2].startswith(".") and path.endswith(".partial"):
            store.remove(path)
    whole = [record for record in records if _is_whole(store, record)]
    for record in records:
        if record not in whole:
            journal.drop(record)
    return whole


def _is_whole(store: Store, record: PartRecord) -> bool:
    return all(file.problem(store.record(path)) is None for path, file in record.files.items())


def _refuse_foreign(store: Store) -> None:
    """Only an export that was killed before it could say what it is may have left something, beside logs."""
    for path in sorted(store.files()):
        if not path.startswith(LOGS) and not (path.startswith(f"{JOURNAL}.") and path.endswith(".partial")):
            raise InputError(store.name, f"a folder that holds {path}", "an empty or new folder")
    Journal(store).remove()
