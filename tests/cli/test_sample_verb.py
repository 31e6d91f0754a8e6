"""The verb ``sample``: scenes that depend on seed and index alone, images of them, faults in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metasim.cli import main
from metasim.grammar.grammar import SceneGrammar
from metasim.scene.serialization import from_json

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "digits_rotation.yaml"
GRAMMAR = EXPERIMENT.parent / "grammars" / "digits" / "rotation.yaml"
LEGACY = Path(__file__).parents[1] / "grammar" / "data" / "digits.json"


def sample(out: Path, *more: str, grammar: Path = GRAMMAR) -> int:
    return main(["sample", "--grammar", str(grammar), "--out", str(out), *more])


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.json"))}


@pytest.mark.parametrize("grammar", [GRAMMAR, LEGACY], ids=["own", "original"])
def test_written_scenes_are_of_the_grammar(tmp_path: Path, grammar: Path) -> None:
    assert sample(tmp_path, "--num", "5", grammar=grammar) == 0
    assert list(texts(tmp_path)) == [f"{index:06d}.json" for index in range(5)]
    graphs = [from_json(json.loads(text)) for text in texts(tmp_path).values()]
    assert all(np.isfinite(SceneGrammar.from_file(grammar).log_prob(graph)) for graph in graphs)
    assert len(set(graphs)) == 5
    assert not list(tmp_path.glob("*.png"))


def test_a_scene_depends_on_seed_and_index_alone(tmp_path: Path) -> None:
    for name, options in {"few": ["2"], "many": ["6"], "other": ["2", "--seed", "1"]}.items():
        assert sample(tmp_path / name, "--num", *options) == 0
    few, many, other = (texts(tmp_path / name) for name in ("few", "many", "other"))
    assert few.items() <= many.items()
    assert not set(few.values()) & set(other.values())


def test_images_show_the_scenes(tmp_path: Path) -> None:
    assert sample(tmp_path, "--num", "3", "--render", "--renderer", str(EXPERIMENT)) == 0
    images = [np.asarray(Image.open(path)) for path in sorted(tmp_path.glob("*.png"))]
    assert [image.shape for image in images] == [(32, 32, 3)] * 3
    assert all(image.std() > 0 for image in images)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--num", "0"], "--num: 0; expected 1 or more"),
        (["--num", "1", "--seed", "-1"], "--seed: -1; expected 0 or more"),
        (["--num", "1", "--render", "--renderer", "spritse"], "renderer.kind: spritse"),
        (["--num", "1", "--render", "--renderer", "none.yaml"], "none.yaml: No such file"),
    ],
)
def test_bad_input_is_one_line_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], fault: str
) -> None:
    assert sample(tmp_path, *options) == 2
    said = capsys.readouterr().err
    assert fault in said
    assert said.count("\n") == 1


def test_scenes_of_another_seed_are_not_mixed_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample(tmp_path, "--num", "3") == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sample(tmp_path, "--num", "5", "--seed", "1") == 2
    assert "000000.json, another scene" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert sample(tmp_path, "--num", "5") == 0
    assert len(list(tmp_path.iterdir())) == 5


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert sample(tmp_path / "file" / "scenes", "--num", "1") == 2
    assert "Not a directory; expected a file that can be written" in capsys.readouterr().err
