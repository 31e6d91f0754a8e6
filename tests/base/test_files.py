"""Files: places that cannot be written and keys that stand twice are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasim.base.errors import InputError
from metasim.base.files import read_yaml, whole_file, write_text


@pytest.mark.parametrize("name", ["folder", "x" * 300, "file/below", "."])
def test_a_place_that_cannot_be_a_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_text(tmp_path / name, "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    write_text(path, "before")
    with pytest.raises(TypeError), whole_file(path) as file:
        file.writelines([b"half", "a text"])  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("kept.txt", "before")]


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "top: {x: 1, y: 2, x: 3}\n"])
def test_a_key_stands_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"twice.yaml: . twice .*line .*; expected valid YAML"):
        read_yaml(path)


def test_anchors_may_be_merged_and_overridden(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text("base: &base {x: 1, y: 2}\nmine: {<<: *base, x: 3}\n")
    assert read_yaml(path)["mine"] == {"x": 3, "y": 2}


def test_depths_that_no_one_writes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("name: " + "[" * 5000)
    with pytest.raises(InputError, match="expected valid YAML"):
        read_yaml(path)
