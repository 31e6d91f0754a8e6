"""The experiments on meshes of one's own: what a run has tuned is what its dataset shows."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.cli import main
from metasim.cli.run_sources import run_config
from metasim.config import load_experiment
from metasim.dataset.formats import find_format
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.generator import Generator
from metasim.matching.population import Population
from metasim.matching.transfer import PriorBatches, new_network, transfer
from metasim.pipeline import Experiment
from metasim.runs.folder import RunFolder
from metasim.scene.graph import SceneGraph

pytestmark = pytest.mark.blender

HERE = Path(__file__).parents[2]
NUM = 12
QUICK = ("renderer.size=16", "renderer.samples=1", "renderer.workers=1")
ANGLE = {"single": "camera_pitch", "clutter": "camera_pitch", "room": "azimuth"}


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["own_objects.py", str(folder)])
        runpy.run_path(str(HERE / "scripts/own_objects.py"), run_name="__main__")
    return folder


def exported(run: RunFolder, out: Path, *more: str) -> list[Sample]:
    words = ("export", "--run", str(run.path), "--out", str(out), "--format", "webdataset")
    assert main([*words, "--num", str(NUM), "--split", "train=1", *more]) == 0
    return sorted(find_format("webdataset").read(out), key=lambda sample: sample.provenance.index)


def looks(sample: Sample) -> float:
    """The angle of the camera in the picture, by the name that the experiment learns it by."""
    assert sample.camera is not None
    back = sample.camera.world_from_camera[:3, 2]
    if "azimuth" in sample.graph.by_name["camera"].attributes:
        return float(np.rad2deg(np.arctan2(back[1], back[0])))
    return float(np.rad2deg(np.arccos(back[2])))


def learnt(graph: SceneGraph) -> dict[tuple[str, str], float]:
    return {(n.name, a): v for n in graph.nodes for a, v in n.attributes.items() if a in n.mutable}


@dataclass(frozen=True)
class Known:
    """Scenes of the target itself, as a population that transfers draw from."""

    weights: np.ndarray
    units: np.ndarray
    classes: np.ndarray

    def sample(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        rows = rng.integers(len(self.units), size=count)
        return self.units[rows], self.classes[rows]


def make_run(name: str, assets: Path, results: Path) -> RunFolder:
    """A run of an experiment whose target has been inferred without a flaw: only its transfer is real."""
    changes = [*QUICK, f"renderer.assets={assets}"]
    made = Experiment.prepare(load_experiment(HERE / f"experiments/objects/{name}.yaml", changes))
    assert made.target_grammar is not None
    prior = [made.grammar.sample(stream(0, "prior", i)) for i in range(128)]
    wanted = [made.target_grammar.sample(stream(0, "target", i)) for i in range(300)]
    known = Known(np.ones((300, 1)), made.layout.units(wanted), made.layout.classes(wanted))
    network = new_network(made.grammar, 0)
    batches = PriorBatches.of(prior, made.grammar, made.layout)
    transfer(network, batches, cast(Population, known), made.layout, 20, 0, lambda step, values: None)
    run = RunFolder.create(results, made.config.name, 0, made.config)
    Generator(made.grammar, network, 0).save(run.checkpoints / "best.pt")
    return run


@pytest.fixture(scope="module")
def tuned_run(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunFolder]:
    results = tmp_path_factory.mktemp("results")
    return cache(lambda name: make_run(name, assets, results))


def test_views_of_assets_are_seen_as_a_run_has_learnt(
    assets: Path, tuned_run: Callable[[str], RunFolder], tmp_path: Path
) -> None:
    run, out = tuned_run("room"), tmp_path / "out"
    (assets / "one.txt").write_text("ball_round\n")
    words = (
        "render",
        "objects",
        "--assets",
        str(assets / "one.txt"),
        "--out",
        str(out),
        "--run",
        str(run.path),
    )
    quick = ("--views", str(NUM), "--size", "16", "--samples", "1", "--workers", "1")
    assert main([*words, *quick]) == 0
    samples = list(find_format("freesplatter").read(out))
    generator = Generator.load(run.checkpoints / "best.pt")
    for view, sample in enumerate(samples):
        source = generator.scene(view, "objects/ball_round.ply/0").by_name
        nodes = sample.graph.by_name
        assert nodes["camera"].attributes == source["camera"].attributes
        assert nodes["light"].attributes == source["light"].attributes
        assert looks(sample) == pytest.approx(source["camera"].attributes["azimuth"], abs=1e-3)
        assert sample.provenance.origin.run == "objects/room/0"
    assert len(samples) == NUM
    assert main([*words, *quick, "--lighting", "studio"]) == 2


def test_a_run_whose_cameras_are_of_another_kind_is_refused(
    assets: Path,
    tuned_run: Callable[[str], RunFolder],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tuned_run("single")
    words = ("render", "objects", "--assets", str(assets), "--out", str(tmp_path / "out"))
    assert main([*words, "--run", str(run.path), "--workers", "1"]) == 2
    assert "--run: objects/single/0; expected one whose cameras have azimuth" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["single", "clutter", "room"])
def test_what_a_run_has_tuned_is_what_its_dataset_shows(
    name: str, tuned_run: Callable[[str], RunFolder], tmp_path: Path
) -> None:
    run = tuned_run(name)
    tuned = exported(run, tmp_path / "out")
    assert [s.graph for s in tuned] == Generator.load(run.checkpoints / "best.pt").scenes(NUM, "export")
    config = run_config(run)
    before, after = (SceneGrammar.from_source(g) for g in (config.grammar, config.target.grammar) if g)
    law = {}
    for which, grammar in (("prior", before), ("target", after)):
        values = [learnt(grammar.sample(stream(1, which, i)))["camera", ANGLE[name]] for i in range(200)]
        law[which] = np.mean(values), np.std(values)
    for sample in tuned:
        assert looks(sample) == pytest.approx(learnt(sample.graph)["camera", ANGLE[name]], abs=1e-3)
    ids = [(s.graph, i) for s in tuned for i in np.unique(s.images[Modality.INSTANCE]) if i]
    assert sum(graph.nodes[i - 1].symbol == "object" for graph, i in ids) >= NUM
    mean, error = np.mean([looks(s) for s in tuned]), law["target"][1] / np.sqrt(NUM)
    assert abs(mean - law["target"][0]) < 4.0 * error
    assert abs(mean - law["prior"][0]) > 4.0 * error
    info = json.loads((tmp_path / "out/dataset_info.json").read_text())
    assert info["part_names"] == ["body", "handle"]
    assert info["affordances"]["mug/handle"] == ["grasp"]
    assert {Modality.PART, Modality.AFFORDANCE} <= set(tuned[0].images)
    assert "| mug_high.glb | CC0-1.0 |" in (tmp_path / "out/card.md").read_text()
