"""The renderers of an experiment: one for its scenes, one for its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metasim.config import ExperimentConfig
from metasim.rendering.executor import Executor
from metasim.rendering.pool import RenderPool


def target_options(config: ExperimentConfig) -> dict[str, Any]:
    """Options of the engine that renders the target: the experiment's, but for what the target changes."""
    return {**config.renderer.options, **config.target.renderer}


def open_pool(config: ExperimentConfig, options: Mapping[str, Any], executor: Executor) -> RenderPool:
    """The experiment's engine with given options."""
    engine = config.renderer
    workers = None if executor.remote else engine.workers
    return RenderPool(engine.kind, options, workers, engine.timeout_s, executor)
