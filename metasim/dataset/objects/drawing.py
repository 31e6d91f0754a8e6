"""Draws the views of assets: all of an asset by one worker, many assets at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from typing import Protocol

from metasim.dataset.drawing import Drawn
from metasim.dataset.journal import SceneCost
from metasim.dataset.objects.blacklist import Blacklist
from metasim.dataset.objects.shoot import Shoot, View
from metasim.dataset.objects.source import ObjectSource
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Provenance, Sample, make_sample
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph

AHEAD = 2  # assets in work per worker: one is rendered, one waits
HELD = 4  # assets per worker in work, or rendered and waiting for others of their part

Results = list[Frame | SceneFailure]


class ObjectPool(Protocol):
    """What is needed of a render pool."""

    workers: int

    def submit(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> Future[Results]:
        """Has scenes rendered by one worker."""
        ...


class ObjectDrawing:
    """The labelled views of assets, part by part.

    An asset that is done does not wait for one before it that hangs, unless they share a part.

    Args:
        plan: What the samples shall carry, and the root seed.
        source: The assets and how they are seen.
        pool: The renderer.
        blacklist: Assets that are not tried.
    """

    def __init__(
        self, plan: ExportPlan, source: ObjectSource, pool: ObjectPool, blacklist: Blacklist
    ) -> None:
        self._plan, self._source, self._pool, self._blacklist = plan, source, pool, blacklist
        self._flying: dict[Future[Results], tuple[Shoot, tuple[int, ...], int]] = {}
        self._held: dict[Part, deque[Shoot]] = {}

    def __call__(self, parts: Iterable[Part]) -> Iterator[Drawn]:
        """Draws the views of some parts of the plan; views of a part come in order and in one piece."""
        todo = deque(self._shoots(parts))
        open_part: Part | None = None
        try:
            while todo or self._held:
                while todo and self._room():
                    self._begin(todo.popleft())
                while (shoot := self._next(open_part)) is not None:
                    open_part = shoot.part if shoot.indices[-1] != shoot.part.indices[-1] else None
                    yield from (self._drawn(shoot, index, view) for index, view in shoot.views())
                if self._flying:
                    self._land()
        finally:
            for future in self._flying:
                future.cancel()

    def _shoots(self, parts: Iterable[Part]) -> Iterator[Shoot]:
        views = self._source.views
        for part in parts:
            for start in range(0, len(part.indices), views):
                yield Shoot(self._source, part, part.indices[start : start + views], self._plan.seed)

    def _room(self) -> bool:
        held = sum(map(len, self._held.values()))
        working = len({id(shoot) for shoot, _, _ in self._flying.values()})
        return working < AHEAD * self._pool.workers and held < HELD * self._pool.workers

    def _begin(self, shoot: Shoot) -> None:
        self._held.setdefault(shoot.part, deque()).append(shoot)
        reason = self._blacklist.reasons.get(self._source.subject(shoot.indices[0]).file.sha256)
        if reason is None:
            self._submit(shoot, shoot.indices, 0)
        else:
            shoot.give_up(f"on the blacklist: {reason}")

    def _submit(self, shoot: Shoot, indices: tuple[int, ...], attempt: int) -> None:
        scenes, seed = shoot.scenes(indices, attempt)
        passes = self._plan.passes | self._source.gate.passes
        self._flying[self._pool.submit(scenes, passes, seed)] = shoot, indices, attempt

    def _land(self) -> None:
        """Waits for an answer, and has views that show too little tried once more."""
        for future in wait(self._flying, return_when=FIRST_COMPLETED).done:
            shoot, indices, attempt = self._flying.pop(future)
            for index in shoot.take(indices, attempt, future.result()):
                self._submit(shoot, (index,), attempt + 1)

    def _next(self, open_part: Part | None) -> Shoot | None:
        """An asset that is done and whose turn it is."""
        for part in [open_part] if open_part is not None else list(self._held):
            waiting = self._held.get(part, deque())
            if waiting and waiting[0].done:
                shoot = waiting.popleft()
                if not waiting:
                    del self._held[part]
                return shoot
        return None

    def _drawn(self, shoot: Shoot, index: int, view: View) -> Drawn:
        began = time.perf_counter()
        result: Sample | SceneFailure = (
            self._sample(shoot, index, view, view.result) if isinstance(view.result, Frame) else view.result
        )
        return Drawn(shoot.part, index, result, SceneCost(view.cost, time.perf_counter() - began))

    def _sample(self, shoot: Shoot, index: int, view: View, frame: Frame) -> Sample:
        plan, source = self._plan, self._source
        made = Provenance(source.origin, plan.seed, index, view.seed)
        names, split = source.class_names, shoot.part.split
        sample = make_sample(view.graph, frame, plan.modalities, names, split, made, plan.affordances)
        assert view.measures is not None
        facts = source.facts(index, frame.facts, view.measures, view.attempt)
        number = index - shoot.indices[0]
        return replace(sample, sequence=source.subject(index).uid, frame=number, facts=facts)
