"""Journal: which parts of an unfinished export are in place, so that it can be taken up again.

A file says which export it is, and each finished part has a file of its own: every step of an export is
one file that is there whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from metasim.base.errors import InputError
from metasim.dataset.record import FileRecord
from metasim.dataset.store import Store
from metasim.rendering.protocol import Cost

FOLDER = "journal/"
_IDENTITY = f"{FOLDER}export.json"
LATER = frozenset({"siblings", "independent_draws"})
"""What earlier exports did not say of themselves, and what they were drawn from tells as well."""


@dataclass(frozen=True)
class SceneCost:
    """What a scene took, from nothing to its place in a part.

    Attributes:
        render: Rendering it; ``None`` where the engine does not tell.
        label_s: Seconds of labelling and writing it.
    """

    render: Cost | None
    label_s: float

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SceneCost:
        """Reads back what ``dataclasses.asdict`` and JSON made of it."""
        return cls(None if data["render"] is None else Cost(**data["render"]), data["label_s"])


@dataclass(frozen=True)
class PartRecord:
    """What became of a part.

    Attributes:
        part: Its name.
        files: Its files by path in the dataset.
        written: Indices of the scenes in it.
        failed: Why a scene is missing, by index.
        classes: Nodes of each class that occurs in its scenes.
        statistics: Of its images, see ``statistics.Statistics``.
        costs: What each scene took, by index.
    """

    part: str
    files: Mapping[str, FileRecord]
    written: tuple[int, ...]
    failed: Mapping[int, str]
    classes: Mapping[str, int]
    statistics: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[int, SceneCost] = field(default_factory=dict)

    def counting(self, names: Iterable[str]) -> PartRecord:
        """The same with a number for each class of some, 0 for those that do not occur, in their order."""
        return replace(self, classes={name: self.classes.get(name, 0) for name in names})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PartRecord:
        """Reads back what ``dataclasses.asdict`` and JSON made of a record."""
        return cls(
            part=data["part"],
            files={path: FileRecord(**record) for path, record in data["files"].items()},
            written=tuple(data["written"]),
            failed={int(index): reason for index, reason in data["failed"].items()},
            classes=data["classes"],
            statistics=data["statistics"],
            costs={int(index): SceneCost.from_json(cost) for index, cost in data["costs"].items()},
        )


class Journal:
    """The records of an export in its dataset's own place, gone when it is finished.

    Args:
        store: The dataset.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def exists(self) -> bool:
        """Whether an export was begun."""
        return self._store.exists(_IDENTITY)

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Says which export it is."""
        self._store.write(_IDENTITY, _json(identity))

    def read(self, identity: Mapping[str, Any]) -> list[PartRecord]:
        """The finished parts of the export of this identity.

        Raises:
            InputError: If the journal is another export's.
        """
        check_identity(self._store.name, json.loads(self._store.read(_IDENTITY)), identity)
        paths = sorted(p for p in self._store.files() if p.startswith(FOLDER) and not _is_partial(p))
        return [PartRecord.from_json(json.loads(self._store.read(p))) for p in paths if p != _IDENTITY]

    def add(self, record: PartRecord) -> None:
        """Notes a part whose files are in place."""
        self._store.write(_path(record), _json(asdict(record)))

    def drop(self, record: PartRecord) -> None:
        """Forgets a part."""
        self._store.remove(_path(record))

    def remove(self) -> None:
        """Removes the journal; the identity goes last, since without it nothing else is understood."""
        paths = [path for path in self._store.files() if path.startswith(FOLDER)]
        for path in sorted(paths, key=lambda path: path == _IDENTITY):
            self._store.remove(path)


def check_identity(where: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuses to go on with an export of another plan or generator.

    Raises:
        InputError: Naming the first thing that differs.
    """
    for key in wanted:
        if key in LATER and key not in found:
            continue
        if found.get(key) != wanted[key]:
            raise InputError(
                where, f"an export with {key} {found.get(key)}", f"{key} {wanted[key]} to resume"
            )


def _path(record: PartRecord) -> str:
    return f"{FOLDER}{record.part.replace('/', '-')}.json"


def _is_partial(path: str) -> bool:
    return path.endswith(".partial")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode()
