"""Exchange: the folder by which builds of the earlier project take graphs and give pictures.

We put ``Graphs/ggraph_<index>_<batch size>.json``. The player takes them away, keeps a text file in
``Graphs`` while it works, writes a PNG and a JSON of one name for each graph to ``Snapshots``, and at the end
a text file with the word ``Done`` to ``Snapshots`` and another to ``Done``.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError
from renderers.unity.errors import PlayerProtocolError

GRAPHS, SNAPSHOTS, DONE = "Graphs", "Snapshots", "Done"
WORD = "Done"
OURS = {GRAPHS: (".json",), SNAPSHOTS: (".png", ".json", ".txt"), DONE: (".txt",)}
"""Folders of the exchange, with the kinds of files that are removed from them."""

_END_OF_PNG = b"IEND\xaeB`\x82"
_PARTIAL = ".partial"


@dataclass(frozen=True)
class Snapshot:
    """The answer to a graph.

    Attributes:
        png: The picture.
        annotation: What the player says of it, as JSON data.
    """

    png: bytes
    annotation: Any


class Exchange:
    """The folder, held for one engine alone.

    Args:
        folder: ``StreamingAssets`` of the build; the three folders in it are made if they are not there.

    Raises:
        InputError: If another engine holds it, or it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            for name in OURS:
                (folder / name).mkdir(exist_ok=True)
        except OSError as error:
            raise InputError("renderer.exchange", str(error), "a folder that may be written to") from error
        self._handle = _held(folder)

    def clear(self) -> None:
        """Removes graphs that nobody took and what is left of answers."""
        for name, suffixes in OURS.items():
            for suffix in suffixes:
                for path in _files(self._folder / name, suffix):
                    path.unlink(missing_ok=True)
        for path in _files(self._folder, _PARTIAL):
            if path.name.startswith("ggraph_"):
                path.unlink(missing_ok=True)

    def bury(self) -> None:
        """Removes what a player that is gone said of its work."""
        for path in _files(self._folder / GRAPHS, ".txt"):
            path.unlink(missing_ok=True)

    def put(self, graphs: Sequence[Mapping[str, Any]]) -> None:
        """Gives graphs to the player: all are written before the first is shown, each of them whole."""
        names = [f"ggraph_{index:06d}_{len(graphs)}.json" for index in range(len(graphs))]
        # Without fsync: whatever a lost machine leaves here is cleared before the next batch.
        for name, graph in zip(names, graphs, strict=True):
            (self._folder / (name + _PARTIAL)).write_text(json.dumps(graph, allow_nan=False))
        for name in names:
            (self._folder / (name + _PARTIAL)).replace(self._folder / GRAPHS / name)

    def at_work(self) -> str:
        """How the player says that it is at work; empty if it does not."""
        notes = _files(self._folder / GRAPHS, ".txt")
        return f"{GRAPHS}/{notes[0].name} says that the player is at work" if notes else ""

    def lacking(self, count: int) -> str:
        """What the answer to the graphs lacks; empty if it is whole."""
        if graphs := _files(self._folder / GRAPHS, ".json"):
            return f"{GRAPHS}/{graphs[0].name} was not taken"
        if at_work := self.at_work():
            return at_work
        for name in (SNAPSHOTS, DONE):
            if [_text(path) for path in _files(self._folder / name, ".txt")] != [WORD]:
                return f"not one text file in {name} that says {WORD}"
        pictures = _files(self._folder / SNAPSHOTS, ".png")
        if len(pictures) != count:
            return f"{len(pictures)} pictures for {count} graphs"
        broken = (path for png in pictures for path in (png, png.with_suffix(".json")) if not _is_whole(path))
        return next((f"{SNAPSHOTS}/{path.name} is not whole" for path in broken), "")

    def drop_stale(self) -> None:
        """Removes answers that are there though the player has not begun: they are to an earlier batch."""
        answers = [
            path
            for name in (SNAPSHOTS, DONE)
            for suffix in OURS[name]
            for path in _files(self._folder / name, suffix)
        ]
        if answers and _files(self._folder / GRAPHS, ".json") and not self.at_work():
            for path in answers:
                path.unlink(missing_ok=True)

    def take(self, count: int) -> list[Snapshot]:
        """A whole answer, by index of the graph: the first number in a file's name.

        Raises:
            PlayerProtocolError: If the names do not tell which picture is whose.
        """
        pictures = {_index(path): path for path in _files(self._folder / SNAPSHOTS, ".png")}
        if pictures.keys() != set(range(count)):
            named = ", ".join(sorted(path.name for path in pictures.values()))
            raise PlayerProtocolError(f"pictures {named}, not one for each index from 0 to {count - 1}")
        paths = [pictures[index] for index in range(count)]
        return [Snapshot(path.read_bytes(), json.loads(_text(path.with_suffix(".json")))) for path in paths]

    def close(self) -> None:
        """Lets others have the folder."""
        os.close(self._handle)


def _held(folder: Path) -> int:
    """A handle on a folder that nobody else has while it is open."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise InputError("renderer.exchange", f"{folder} is in use", "a folder for each run") from error
    return handle


def _files(folder: Path, suffix: str) -> list[Path]:
    """Files of a kind in a folder, sorted by name; none if there is no folder."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == suffix)
    except FileNotFoundError:
        return []


def _text(path: Path) -> str:
    """A text, empty if it is gone or being written."""
    try:
        return path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _is_whole(path: Path) -> bool:
    """Whether a PNG or JSON file is written to its end."""
    try:
        if path.suffix == ".png":
            return path.read_bytes().endswith(_END_OF_PNG)
        json.loads(_text(path))
    except (OSError, ValueError):
        return False
    return True


def _index(path: Path) -> int:
    number = re.search(r"\d+", path.stem)
    return int(number[0]) if number else -1
