"""Which scene files there are, and what they show."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.footage import Footage
from metasim.rendering.registry import scene_footage

PATTERNS = ("*.blend", "*/*.blend")


def find_scenes(folder: Path, names: str = "*") -> dict[str, Path]:
    """Scene files in a folder and those below it, by name, sorted.

    Args:
        folder: The folder.
        names: What their names look like, as a shell has it; those of files below are ``folder-file``.

    Raises:
        InputError: If there is none, or two go by one name.
    """
    if not folder.is_dir():
        raise InputError(f"--scenes {folder}", "no such folder", f"a folder of files like {PATTERNS[0]}")
    found = sorted(path for pattern in PATTERNS for path in folder.glob(pattern))
    scenes: dict[str, Path] = {}
    for path in found:
        name = "-".join(path.relative_to(folder).with_suffix("").parts)
        if name in scenes:
            raise InputError(f"--scenes {folder}", f"{scenes[name]} and {path}", "files of unlike names")
        scenes[name] = path
    chosen = {name: path for name, path in sorted(scenes.items()) if fnmatchcase(name, names)}
    if not chosen:
        where = f"--scenes {folder}"
        raise InputError(where, f"{len(scenes)} scenes, none like {names}", f"files like {PATTERNS[0]}")
    return chosen


def read_exclusions(path: Path) -> dict[str, str]:
    """Reasons of a table with the columns ``scene`` and ``reason``, by scene.

    Raises:
        InputError: If it is no such table.
    """
    try:
        with path.open(newline="") as file:
            return {row["scene"]: row["reason"] or "" for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        what = f"{type(error).__name__}: {error}"
        raise InputError(str(path), what, "a CSV table with the columns scene and reason") from error


def scout(
    scenes: Mapping[str, Path],
    size: tuple[int, int],
    with_surfaces: bool,
    lanes: int,
    tell: Callable[[], None] = lambda: None,
) -> tuple[dict[str, Footage], dict[str, str]]:
    """What scene files show, several read at a time.

    Args:
        scenes: The files by name.
        size: Height and width of the pictures.
        with_surfaces: Whether triangles are wanted.
        lanes: Files read at a time.
        tell: Called when a file is read.

    Returns:
        What is shown, and why some cannot be read, by name.
    """

    def look(path: Path) -> Footage | str:
        try:
            return scene_footage(path, size, with_surfaces)
        except MetasimError as error:
            return str(error)
        finally:
            tell()

    with ThreadPoolExecutor(lanes) as pool:
        answers = dict(zip(scenes, pool.map(look, scenes.values()), strict=True))
    shown = {name: answer for name, answer in answers.items() if isinstance(answer, Footage)}
    return shown, {name: answer for name, answer in answers.items() if isinstance(answer, str)}
