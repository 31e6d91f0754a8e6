"""Workspace: the folder of an export: what may be written there, and what of it is done already."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from metasim.base.errors import InputError
from metasim.dataset.journal import NAME as JOURNAL
from metasim.dataset.journal import Journal, PartRecord, check_identity
from metasim.dataset.manifest import NAME as MANIFEST
from metasim.dataset.manifest import load_manifest

_LOCK = ".lock"


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Holds a folder against other processes; made if it is new, removed again if it stays empty.

    Raises:
        InputError: If another process holds it, or it is no folder.
    """
    new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(out / _LOCK, timeout=0.5)
        lock.acquire()
    except filelock.Timeout as error:
        raise InputError(str(out), "an export in progress in another process", "its end") from error
    except OSError as error:
        raise InputError(str(out), error.strerror or str(error), "a folder that can be written") from error
    try:
        yield
    finally:
        (out / _LOCK).unlink(missing_ok=True)
        lock.release()
        if new:
            with contextlib.suppress(OSError):
                out.rmdir()


def is_finished(out: Path, identity: Mapping[str, Any], resume: bool) -> bool:
    """Whether the folder holds this very export already, whole.

    Raises:
        InputError: If it holds another dataset, or this one and ``resume`` is off.
    """
    if not (out / MANIFEST).exists():
        return False
    if not resume:
        raise InputError(str(out), "a finished dataset", "an empty or new folder")
    check_identity(str(out), load_manifest(out)["export"], identity)
    Journal(out).remove()
    return True


def finished_parts(out: Path, identity: Mapping[str, Any], resume: bool) -> list[PartRecord]:
    """The parts that an interrupted export has left whole; leftovers of unfinished ones are removed.

    Raises:
        InputError: If the folder holds something else, or an unfinished export and ``resume`` is off.
    """
    journal = Journal(out)
    if not journal.path.exists():
        _refuse_foreign(out)
        return []
    if not resume:
        raise InputError(str(out), "an unfinished export", "--resume to go on with it, or an empty folder")
    records = journal.read(identity)
    for partial in out.rglob(".*.partial"):
        partial.unlink()
    whole = [record for record in records if _is_whole(out, record)]
    journal.keep(identity, whole)
    return whole


def _is_whole(out: Path, record: PartRecord) -> bool:
    return all(file.problem(out / path) is None for path, file in record.files.items())


def _refuse_foreign(out: Path) -> None:
    for path in out.iterdir():
        if path.name.startswith(f".{JOURNAL}.") and path.suffix == ".partial":
            path.unlink()
        elif path.name != _LOCK:
            raise InputError(str(out), f"a folder that holds {path.name}", "an empty or new folder")
