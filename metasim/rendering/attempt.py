"""One scene after another through an engine: what goes wrong with a scene stays with that scene."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.protocol import BatchRenderer, Cost, EngineError, Frame, Pass, Renderer
from metasim.scene.graph import SceneGraph

FINITE = (Pass.HDR, Pass.REFLECTANCE, Pass.ILLUMINATION, Pass.RESIDUAL)
INFINITE_BACKGROUND = (Pass.DEPTH, Pass.DISTANCE)


@dataclass(frozen=True)
class SceneFailure:
    """A scene that could not be rendered, twice.

    Attributes:
        reason: What happened, in one line.
    """

    reason: str


def fault(frame: Frame, passes: frozenset[Pass], size: tuple[int, int]) -> str | None:
    """What is wrong with the values of a frame of a height and width, ``None`` if nothing is."""
    if absent := passes - frame.passes.keys():
        return f"the engine left out {', '.join(sorted(absent))}"
    if Pass.RGB in passes:
        image, expected = frame[Pass.RGB], (*size, 3)
        if (image.dtype, image.shape) != (np.uint8, expected):
            return f"rgb is {image.dtype} of shape {image.shape}; expected uint8 of {expected}"
    for name in passes:
        image = frame[name]
        if name in FINITE and not np.isfinite(image).all():
            return f"{name} is not finite"
        if name in INFINITE_BACKGROUND and np.isnan(image).any():
            return f"{name} is NaN"
    return None


def attempt(
    engine: Renderer, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
) -> list[Frame | SceneFailure]:
    """Renders scenes in one call; those that fail are tried once more, each alone, unless the engine did.

    Args:
        engine: The engine.
        scenes: The scenes.
        passes: Passes to render.
        seeds: Seed of each, one more than that before unless the engine is a ``BatchRenderer`` or noiseless.

    Raises:
        InputError: If a scene or a pass is beyond the engine; no retry helps against that.
        EngineError: If the engine can render nothing any more.
    """
    first, alone = _try(engine, scenes, passes, seeds)
    if alone:
        return first
    return [
        _try(engine, [scenes[i]], passes, [seeds[i]])[0][0] if isinstance(result, SceneFailure) else result
        for i, result in enumerate(first)
    ]


def _try(
    engine: Renderer, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
) -> tuple[list[Frame | SceneFailure], bool]:
    """What of each scene there is, and whether the engine has tried those that failed alone."""
    wall, cpu = time.perf_counter(), time.process_time()
    alone = False
    try:
        results: Sequence[Frame | str] = _rendered(engine, scenes, passes, seeds)
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, EngineError) and error.lasting:
            raise
        alone = isinstance(error, EngineError) and bool(error.results)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        results = error.results if isinstance(error, EngineError) and alone else [reason] * len(scenes)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    size = engine.capabilities.size
    return [_judged(result, passes, size) for result in _with_cost(results, *spent)], alone


def _rendered(
    engine: Renderer, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
) -> list[Frame]:
    if isinstance(engine, BatchRenderer):
        frames = engine.render_batch(scenes, passes, seeds)
    else:
        frames = engine.render(scenes, passes, seeds[0])
    if len(frames) != len(scenes):
        raise ValueError(f"{len(frames)} frames of {len(scenes)} scenes")
    return frames


def _judged(result: Frame | str, passes: frozenset[Pass], size: tuple[int, int]) -> Frame | SceneFailure:
    reason = result if isinstance(result, str) else fault(result, passes, size)
    return SceneFailure(reason) if reason else cast(Frame, result)


def _with_cost(results: Sequence[Frame | str], wall_s: float, cpu_s: float) -> Iterator[Frame | str]:
    peak, share = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, 1 / max(len(results), 1)
    for result in results:
        if isinstance(result, str):
            yield result
        else:
            yield replace(result, cost=Cost(wall_s * share, cpu_s * share, peak, dict(result.stages)))
