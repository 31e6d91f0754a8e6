"""Temporary folders go with their makers, also with those who were killed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasim.rendering.scratch import YOUNG_S, Scratch

MAKER = """
import sys
from metasim.rendering.scratch import Scratch
scratch = Scratch()
print(scratch.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, for this process and those that it starts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def maker(place: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process with a folder, in which there is a file."""
    with subprocess.Popen(
        [sys.executable, "-c", MAKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        (folder / "file").touch()
        yield process, folder
        process.kill()


def age(folder: Path) -> None:
    then = time.time() - 2 * YOUNG_S
    os.utime(folder, (then, then))


def test_a_folder_is_there_until_it_is_closed(place: Path) -> None:
    scratch = Scratch()
    assert Path(scratch.path).parent == place
    (Path(scratch.path) / "file").touch()
    for _ in range(2):
        scratch.close()
        assert list(place.iterdir()) == []


def test_what_the_killed_have_left_goes_when_the_next_folder_is_made(
    maker: tuple[subprocess.Popen[str], Path],
) -> None:
    process, folder = maker
    process.kill()
    process.wait()
    Scratch().close()
    assert folder.exists(), "its maker may just not have locked it yet"
    age(folder)
    Scratch().close()
    assert not folder.exists()


def test_folders_of_the_living_stay(maker: tuple[subprocess.Popen[str], Path]) -> None:
    _, folder = maker
    mine = Scratch()
    for each in (folder, Path(mine.path)):
        age(each)
    Scratch().close()
    assert (folder / "file").exists()
    assert Path(mine.path).exists()
    mine.close()


def test_what_is_not_ours_stays(place: Path) -> None:
    (place / "other").mkdir()
    (place / "metasim-worker-file").touch()
    (place / "metasim-worker-link").symlink_to(place / "other", target_is_directory=True)
    for each in ("other", "metasim-worker-file"):
        age(place / each)
    Scratch().close()
    assert {each.name for each in place.iterdir()} == {"other", "metasim-worker-file", "metasim-worker-link"}
