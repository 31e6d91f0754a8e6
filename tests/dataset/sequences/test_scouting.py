"""Scene files: each has a name of its own, and what is no folder is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasim.base.errors import InputError
from metasim.dataset.sequences.scouting import find_scenes


def test_files_below_are_called_by_both_names(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/b.blend", "c.blend"):
        (tmp_path / name).touch()
    assert find_scenes(tmp_path) == {"a-b": tmp_path / "a/b.blend", "c": tmp_path / "c.blend"}


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/b.blend", "a-b.blend"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"a/b\.blend and .*a-b\.blend; expected files of unlike names"):
        find_scenes(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder; expected a folder of files"):
        find_scenes(tmp_path / "none")
