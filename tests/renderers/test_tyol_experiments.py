"""The experiments on the default scene: attributes and classes as their names say, all known to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metasim.config import ExperimentConfig, load_experiment
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.registry import check_options
from renderers.blender.tyol.objects import CLASSES
from renderers.blender.tyol.scene import TyolScene

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FILES = sorted(EXPERIMENTS.glob("tyol/*.yaml"))
MANY = 4000
every_file = pytest.mark.parametrize("file", [*FILES, EXPERIMENTS / "tyol.yaml"], ids=lambda file: file.stem)


def grammars(config: ExperimentConfig) -> tuple[SceneGrammar, SceneGrammar]:
    assert isinstance(config.grammar, Path)
    assert isinstance(config.target.grammar, Path)
    return SceneGrammar.from_file(config.grammar), SceneGrammar.from_file(config.target.grammar)


def values(grammar: SceneGrammar, *names: str) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    scenes = [{k: v for n in grammar.sample(rng).nodes for k, v in n.attributes.items()} for _ in range(MANY)]
    return [np.array([scene[name] for scene in scenes]) for name in names]


def expected_size(name: str) -> tuple[int, int]:
    """Numbers of classes and mutable attributes."""
    many, number = ("multi", "8") if name == "tyol" else name.split("_")[:2]
    return {"single": 1, "multi": len(CLASSES)}[many], int(number)


@every_file
def test_prior_and_target_are_as_the_name_says(file: Path) -> None:
    prior, target = grammars(load_experiment(file))
    classes, number = expected_size(file.stem)
    assert prior.schema == target.schema
    assert prior.digest != target.digest
    assert prior.fixed_structure
    assert len(prior.class_weights("object")) == classes
    assert sum(spec.mutable for symbol in prior.schema.symbols for spec in symbol.attributes) == number


@every_file
def test_the_scene_knows_all_that_the_grammar_names(file: Path) -> None:
    prior, _ = grammars(load_experiment(file))
    known = TyolScene().attributes
    assert set(prior.class_weights("object")) <= set(CLASSES)
    for symbol in prior.schema.symbols:
        assert {spec.name for spec in symbol.attributes} <= known.get(symbol.name, frozenset())


@every_file
def test_all_share_one_renderer(file: Path) -> None:
    renderer = load_experiment(file).renderer
    options = check_options(renderer.kind, renderer.options)
    assert (renderer.kind, options["scene"], options["size"], options["samples"]) == (
        "blender",
        "tyol",
        64,
        4,
    )


def test_the_default_is_five_classes_with_eight_attributes() -> None:
    default, same = (load_experiment(EXPERIMENTS / name) for name in ("tyol.yaml", "tyol/multi_8_attr.yaml"))
    assert [g.digest for g in grammars(default)] == [g.digest for g in grammars(same)]


@pytest.mark.parametrize("name", ["single_3_attr", "multi_8_attr"])
def test_target_draws_place_once_for_both_axes(name: str) -> None:
    """Correlation .99, with the standard error of a correlation (1 - r^2) / sqrt(n) times 5."""
    prior, target = grammars(load_experiment(EXPERIMENTS / "tyol" / f"{name}.yaml"))
    bound = 5.0 * (1.0 - 0.99**2) / np.sqrt(MANY)
    assert np.corrcoef(values(target, "loc_x", "loc_z"))[0, 1] == pytest.approx(0.99, abs=bound)
    assert abs(np.corrcoef(values(prior, "loc_x", "loc_z"))[0, 1]) < 5.0 / np.sqrt(MANY)


def test_target_draws_camera_pitch_and_roll_once() -> None:
    _, target = grammars(load_experiment(EXPERIMENTS / "tyol.yaml"))
    pitch, roll = values(target, "camera_pitch", "camera_roll")
    error = 5.0 * 5.0 / np.sqrt(MANY)
    assert np.corrcoef(pitch, roll)[0, 1] == pytest.approx(0.99, abs=5.0 * (1.0 - 0.99**2) / np.sqrt(MANY))
    assert (pitch.mean(), roll.mean()) == pytest.approx((60.0, 0.0), abs=error)
