"""The aerial bench: a whole run at toy size, resumed; each of its criteria can fail a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import EXPERIMENTS, SMALL

from metasim.bench.aerial import CLASSES, QUICK, AerialBench, Effort
from metasim.bench.segmentation import Views, learn, overlaps
from metasim.cli.bench import Aerial
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.structure import reader, trainer
from metasim.model import sets
from metasim.pipeline import Experiment, evidence
from metasim.runs.folder import RunFolder
from metasim.runs.progress import NoProgress
from metasim.runs.summary import Summary, Variation

TOY = Effort(
    "aerial_toy",
    images=24,
    steps=4,
    tested=12,
    settings=(*SMALL, "renderer.size=32", "matching.renders=200", "matching.effort=0.06"),
)


@pytest.fixture(scope="module", autouse=True)
def _few_scenes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "REPORTED", 150)
        patch.setattr(trainer, "PRIOR_SCENES", 64)
        patch.setattr(trainer, "TRANSFER_SCENES", 64)
        patch.setattr(trainer, "DERIVATIONS", 400)
        # After so few steps a reader is sure of nothing: here it takes all that it looks at for objects, and
        # few draws have to agree on what they are.
        patch.setattr(reader, "DRAWS", 3)
        patch.setattr(sets, "RARE", 2.0)
        patch.setitem(reader.WEIGHTS, "presence", 0.0)
        yield


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[AerialBench, list[dict[str, Any]]]:
    bench = AerialBench(EXPERIMENTS, tmp_path_factory.mktemp("aerial"), TOY)
    return bench, list(bench.run([3], NoProgress()))


def run_of(bench: AerialBench) -> RunFolder:
    return RunFolder(bench.out / TOY.name / "3")


def test_a_run_ends_with_its_line_and_a_summary(measured: tuple[AerialBench, list[dict[str, Any]]]) -> None:
    bench, (line, last) = measured
    assert last == {"bench": "aerial", "passed": int(line["passed"]), "of": 1, "runs": [line]}
    assert (line["seed"], line["renders"]) == (3, 200)
    assert set(line["mean_iou"]) == {"ours", "prior", "target"}
    assert all(tuple(by_class) == CLASSES for by_class in line["iou"].values())
    assert set(line["counts_variation"]) == {"car", "house", "tree"}
    attributes = Summary.load(run_of(bench).summary).attributes
    assert len(attributes) == 11
    assert line["worst_w1"] == max(a.w1 or 0 for a in attributes.values() if a.identifiable)
    assert json.loads(json.dumps(line, allow_nan=False)) == line


def test_what_is_finished_is_not_learnt_again(
    measured: tuple[AerialBench, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(_: trainer.StructureTrainer) -> None:
        raise AssertionError("trained again")

    bench, lines = measured
    monkeypatch.setattr(trainer.StructureTrainer, "fit", again)
    assert list(bench.run([3], NoProgress())) == lines


def test_views_show_the_classes_of_the_nodes(measured: tuple[AerialBench, list[dict[str, Any]]]) -> None:
    bench, _ = measured
    test, lessons = bench._views(Experiment.prepare(bench.config(3)), run_of(bench))
    assert {kind: len(views.images) for kind, views in lessons.items()} == dict.fromkeys(lessons, 24)
    assert len(test.images) == 12
    assert np.unique(np.concatenate([v.labels for v in lessons.values()])).tolist() == [0, 1, 2, 3, 4]
    grey = test.images[test.labels == CLASSES.index("road")].mean(0)
    green = test.images[test.labels == 0].mean(0)
    assert np.ptp(grey) < 0.1 * grey.mean()
    assert green.argmax() == 1


def test_a_network_learns_what_is_plain_and_the_overlaps_are_of_what_it_says() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (40, 4, 4)).repeat(4, 1).repeat(4, 2)
    images = np.eye(3)[labels] * 200 + rng.integers(0, 40, (*labels.shape, 3))
    views = Views(images.astype(np.uint8), labels)
    cpu = torch.device("cpu")
    networks = [learn(views, 3, 60, 0, cpu, lambda _: None) for _ in range(2)]
    first, second = (overlaps(network, views, 3, cpu) for network in networks)
    assert first.min() > 0.9
    assert (first == second).all()
    turned = replace(views, labels=(labels + 1) % 3)
    assert overlaps(networks[0], turned, 3, cpu).max() < 0.1


@pytest.mark.parametrize(
    ("ours", "variation", "passed"),
    [(0.951, 0.079, True), (0.949, 0.079, False), (0.951, 0.081, False)],
)
def test_each_criterion_fails_a_run(
    measured: tuple[AerialBench, list[dict[str, Any]]], ours: float, variation: float, passed: bool
) -> None:
    bench, _ = measured
    summary = Summary.load(run_of(bench).summary)
    cars = Variation(prior=0.5, generated=variation, floor=0.01)
    changed = summary.model_copy(update={"variations": {**summary.variations, "car/count": cars}})
    # The mean of four classes and one that is nowhere.
    overlap = np.array([ours + 0.02, ours - 0.02, ours + 0.01, ours - 0.01, np.nan])
    line = bench.line(changed, {"ours": overlap, "prior": overlap / 2})
    assert line["passed"] == passed
    assert line["mean_iou"] == {"ours": pytest.approx(ours), "prior": pytest.approx(ours / 2, abs=1e-4)}
    assert line["iou"]["ours"]["tree"] is None


@pytest.mark.parametrize("quick", [False, True])
def test_the_command_asks_for_runs_that_can_be_made(quick: bool, tmp_path: Path) -> None:
    bench = Aerial(quick, out=tmp_path, experiments=EXPERIMENTS, changes=("target.num=77",)).bench
    config = bench.config(5)
    assert (config.seed, config.target.num) == (5, 77)
    assert config.name == (QUICK.name if quick else "aerial")
    inventory = Experiment.prepare(config).inventory
    assert inventory is not None
    assert inventory.symbols == ("car", "house", "tree")


def test_the_target_is_what_it_is_said_to_be() -> None:
    """Cars keep to the right and along the road; houses lie beside it and turned to it, trees behind."""
    target = SceneGrammar.from_file(EXPERIMENTS / "grammars" / "aerial_target.yaml")
    rng = np.random.default_rng(0)
    scenes = [target.sample(rng) for _ in range(300)]
    cars, houses, trees = ([n for s in scenes for n in s.of_symbol(c)] for c in CLASSES[2:])
    for car in cars:
        wanted = 0.0 if car.attributes["across"] < 0 else 180.0
        assert abs((car.attributes["heading"] - wanted + 180) % 360 - 180) < 60
        assert abs(car.attributes["across"]) < 3.5
    for house in houses:
        assert 3.5 + 2.6 - 1.5 < abs(house.attributes["across"]) < 9
        assert abs(house.attributes["heading"]) < 25
    assert min(abs(tree.attributes["across"]) for tree in trees) > 9
