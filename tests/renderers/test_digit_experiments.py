"""The digits experiments: prior and target speak of the same attributes, and differ as their names say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metasim.base.files import read_yaml
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.schema import SceneSchema

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FILES = sorted(EXPERIMENTS.glob("digits_*.yaml"))
PASSES = frozenset({Pass.RGB, Pass.INSTANCE})
MUTABLE = {"digits_rotation": 1, "digits_rotation_translation": 3, "digits_bimodal": 3, "digits_five": 16}


def read(file: Path) -> tuple[ExperimentConfig, SceneGrammar, SceneGrammar]:
    config = ExperimentConfig.model_validate(read_yaml(file))
    assert isinstance(config.grammar, Path)
    assert isinstance(config.target.grammar, Path)
    prior = SceneGrammar.from_file(EXPERIMENTS / config.grammar)
    return config, prior, SceneGrammar.from_file(EXPERIMENTS / config.target.grammar)


def mutable(schema: SceneSchema) -> list[tuple[str, str]]:
    return [
        (symbol.name, spec.name) for symbol in schema.symbols for spec in symbol.attributes if spec.mutable
    ]


def test_every_digits_experiment_is_known_here() -> None:
    assert {file.stem for file in FILES} == set(MUTABLE)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_prior_and_target_share_their_schema_but_no_distribution(file: Path) -> None:
    _, prior, target = read(file)
    assert prior.schema == target.schema
    assert prior.digest != target.digest
    assert len(mutable(prior.schema)) == MUTABLE[file.stem]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_digit_of_both_sides_is_seen(file: Path) -> None:
    """All of them in a target, at least the last painted in a prior, whose digits may cover each other."""
    config, prior, target = read(file)
    for grammar, changes, most in ((prior, {}, 1), (target, config.target.renderer, 5)):
        rng = np.random.default_rng(0)
        scenes = [grammar.sample(rng) for _ in range(50)]
        with RenderPool(config.renderer.kind, config.renderer.options | changes) as pool:
            frames = pool.render(scenes, PASSES, range(50))
        for scene, frame in zip(scenes, frames, strict=True):
            assert isinstance(frame, Frame)
            digits = [i for i, node in enumerate(scene.nodes, 1) if "instance" in node.attributes]
            assert set(digits[-most:]) <= set(np.unique(frame[Pass.INSTANCE]).tolist())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_target_and_generator_draw_different_handwriting(file: Path) -> None:
    config, _, _ = read(file)
    assert {config.renderer.options["split"], config.target.renderer["split"]} == {"even", "odd"}
