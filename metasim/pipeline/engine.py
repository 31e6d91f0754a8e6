"""The renderers of an experiment: one for its scenes, one for its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metasim.base.validation import closest
from metasim.config import ExperimentConfig
from metasim.rendering.executor import Executor
from metasim.rendering.pool import RenderPool
from metasim.scene.layout import SceneLayout


def target_options(config: ExperimentConfig) -> dict[str, Any]:
    """Options of the engine that renders the target: the experiment's, but for what the target changes."""
    return {**config.renderer.options, **config.target.renderer}


def open_pool(config: ExperimentConfig, options: Mapping[str, Any], executor: Executor) -> RenderPool:
    """The experiment's engine with given options."""
    engine = config.renderer
    workers = None if executor.remote else engine.workers
    return RenderPool(engine.kind, options, workers, engine.timeout_s, executor)


def engine_notes(pool: RenderPool, layout: SceneLayout) -> list[str]:
    """What an engine says of its input, then a line for each learnt attribute by which it draws nothing.

    Engines tell names that they give a meaning to, or none; a symbol may be called otherwise than theirs.
    """
    known = sorted(frozenset[str]().union(*pool.capabilities.attributes.values()))
    undrawn = [
        f"nothing is drawn by {column.name}; expected {closest(column.spec.name, known)}"
        for column in layout.columns
        if known and column.spec.name not in known
    ]
    return [*pool.capabilities.notes, *undrawn]
