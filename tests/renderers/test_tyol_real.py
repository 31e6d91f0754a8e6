"""The experiment on the published TYO-L dataset, with a small folder of its shape in its stead."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from metasim.base.streams import stream
from metasim.cli import main
from metasim.config import load_experiment
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.runs.summary import Summary
from renderers.blender.assets.scene import AssetsScene

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "tyol_real.yaml"
MODELS = 21
SMALL = (
    "matching.preset=metasim",
    "matching.refine_steps=1",
    "matching.effort=0.02",
    "verdict.draws=1",
    "verdict.permutations=20",
)
SMALL += ("renderer.size=16", "renderer.samples=1", "renderer.bounces=0", "renderer.workers=1")


def put_model(models: Path, number: int) -> None:
    """A box of its own colour and edges, in millimetres."""
    rng = stream(0, "test/model", number)
    box = trimesh.creation.box(rng.uniform(60.0, 200.0, 3))
    colour = [*rng.integers(256, size=3), 255]
    shown = trimesh.Trimesh(box.vertices, box.faces, vertex_colors=colour, process=False)
    shown.export(models / f"obj_{number:06d}.ply")


def put_images(dataset: Path, number: int) -> None:
    """Test images of the first two objects, wider than high, with their scene_gt.json."""
    source = load_experiment(EXPERIMENT).grammar
    assert isinstance(source, Path)
    grammar = SceneGrammar.from_file(source)
    graphs = [grammar.sample(stream(0, "test/image", i)) for i in range(number)]
    options = {"scene": "assets", "assets": dataset, "size": (18, 24), "samples": 1}
    with RenderPool("blender", options, workers=1) as pool:
        frames = pool.render(graphs, frozenset({Pass.RGB}), list(range(number)))
    for i, frame in enumerate(frames):
        assert isinstance(frame, Frame), frame
        rgb = dataset / "test" / f"{1 + i % 2:06d}" / "rgb"
        rgb.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(frame[Pass.RGB])).save(rgb / f"{i // 2:06d}.png")
    for scene in (dataset / "test").iterdir():
        (scene / "scene_gt.json").write_text("{}")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bop") / "tyol"
    (folder / "models").mkdir(parents=True)
    for number in range(1, MODELS + 1):
        put_model(folder / "models", number)
    info = {str(number): {"diameter": 1.0} for number in range(1, MODELS + 1)}
    (folder / "models" / "models_info.json").write_text(json.dumps(info))
    return folder


def arguments(dataset: Path, out: Path) -> list[str]:
    changes = (*SMALL, f"renderer.assets={dataset}", f"target.images={dataset / 'test'}")
    given = [word for change in changes for word in ("--set", change)]
    return ["train", "--exp", str(EXPERIMENT), "--out", str(out), *given]


@pytest.mark.blender
def test_it_runs_on_a_folder_of_the_dataset_s_shape(dataset: Path, tmp_path: Path) -> None:
    put_images(dataset, 40)
    assert main(arguments(dataset, tmp_path)) == 0
    summary = Summary.load(tmp_path / "tyol_real" / "0" / "summary.json")
    assert summary.verdict.n_target == 20
    assert len(summary.classes["object"]) == MODELS
    assert all(attribute.target is None for attribute in summary.attributes.values())


def test_the_scene_knows_all_that_its_grammar_names(dataset: Path) -> None:
    source = load_experiment(EXPERIMENT).grammar
    assert isinstance(source, Path)
    grammar = SceneGrammar.from_file(source)
    scene = AssetsScene(dataset, only=tuple(grammar.class_weights("object")))
    for symbol in grammar.schema.symbols:
        assert {spec.name for spec in symbol.attributes} <= scene.attributes.get(symbol.name, frozenset())


def test_without_the_dataset_one_line_says_how_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path / "nowhere", tmp_path / "out")) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "https://bop.felk.cvut.cz/datasets" in said
    assert "TYO-L" in said
    assert not (tmp_path / "out").exists()
