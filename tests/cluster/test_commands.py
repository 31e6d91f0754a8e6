"""Commands that render give the same files on a cluster, told so by one option."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trimesh
from film_file import Film, make_film  # pyright: ignore[reportMissingImports]

from metasim.bench.same import OF_DATASETS, contents
from metasim.cli import main
from metasim.dataset.verify import verify
from metasim.rendering.cluster.executor import RayExecutor

if TYPE_CHECKING:
    from nodes import Nodes

SMALL = ("--samples", "1", "--workers", "2")


def meshes(folder: Path) -> None:
    for name, shape in {"box": trimesh.creation.box((1, 2, 3)), "ball": trimesh.creation.icosphere()}.items():
        shape.export(folder / f"{name}.ply")


def film(folder: Path) -> None:
    make_film(folder / "film.blend", Film(last=9))


OBJECTS = ("objects", "--assets", "{given}", "--views", "2", "--size", "24")
SEQUENCES = ("sequences", "--scenes", "{given}", "--height", "16", "--width", "24", "--bounces", "0")
CUT = ("--num-frames", "3", "--sequences-per-scene", "2", "--logs", "{given}/logs")


@pytest.mark.blender
@pytest.mark.parametrize(("make", "words"), [(meshes, OBJECTS), (film, (*SEQUENCES, *CUT))])
def test_files_are_those_of_one_machine(
    make: Callable[[Path], None],
    words: Sequence[str],
    nodes: Nodes,
    executor: RayExecutor,
    tmp_path: Path,
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    make(given)
    what = ["render", *(word.format(given=given) for word in words), *SMALL]
    there = ["--set", "executor.kind=ray", f"executor.address={nodes.address}"]
    for name, where in (("here", []), ("there", there)):
        assert main([*what, "--out", str(tmp_path / name), *where]) == 0
    made = contents(tmp_path / "there", OF_DATASETS)
    assert contents(tmp_path / "here", OF_DATASETS) == made
    assert len(made) > 3
    assert verify(tmp_path / "there") == []
    assert nodes.is_clean()


def test_a_benchmark_renders_on_a_cluster(
    nodes: Nodes, executor: RayExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--px", "16", "--samples", "202", "--workers", "1"]
    there = ["--set", "executor.kind=ray", f"executor.address={nodes.address}"]
    assert main(["bench", "export", "--engine", "sprites", *size, *there]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert json.loads(last)["samples"] == 202
    assert nodes.is_clean()
