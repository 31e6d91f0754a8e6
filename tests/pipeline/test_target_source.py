"""Whose engines render a simulated target."""

from __future__ import annotations

import pytest
from small_runs import EXPERIMENTS

from metasim.base.errors import InputError
from metasim.config import load_experiment
from metasim.pipeline import Experiment
from metasim.pipeline.engine import open_pool
from metasim.pipeline.target_source import TargetSource
from metasim.rendering.pool import RenderPool


def pools(*settings: str) -> tuple[RenderPool, RenderPool]:
    """The generator's pool and the target's, both closed, of an experiment with sprites."""
    config = load_experiment(EXPERIMENTS / "digits_rotation.yaml", ["renderer.workers=1", *settings], 0)
    experiment = Experiment.prepare(config)
    source = TargetSource(config, experiment.target_grammar, experiment.layout, varying=False)
    executor = config.executor.open()
    with (
        open_pool(config, config.renderer.options, executor) as pool,
        source.studio(pool, executor) as studio,
    ):
        return pool, studio


@pytest.mark.parametrize("split", ["even", "odd"])
def test_the_generators_engines_render_a_target_of_the_same_options(split: str) -> None:
    pool, studio = pools("renderer.split=even", f"target.renderer.split={split}")
    assert (studio is pool) == (split == "even")


def test_a_target_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="16 x 16 pixels"):
        pools("target.renderer.size=16")
