"""Parts of a dataset made on the machines of a cluster, each written from there straight to its address.

Nothing of a picture passes the process that asks for it: that one sends numbers of scenes and gets records.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from metasim.dataset.drawing import draw
from metasim.dataset.journal import PartRecord
from metasim.dataset.open_part import OpenPart
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.preview import Sheet
from metasim.dataset.source import SceneSource
from metasim.dataset.store import open_store
from metasim.rendering.cluster.executor import RayExecutor
from metasim.rendering.cluster.parcel import unpacked
from metasim.rendering.executor import LocalExecutor
from metasim.rendering.pool import RenderPool

AHEAD = 2  # parts that wait or are made, for each worker


@dataclass(frozen=True)
class PartMaker:
    """Makes any part, on whichever machine it is called.

    Attributes:
        plan: What is written.
        source: The generator.
        kind: Name of the engine.
        options: Its options, files among them as parcels.
        timeout_s: Seconds for a scene.
        out: Address of the dataset.
        name: Unique.
    """

    plan: ExportPlan
    source: SceneSource
    kind: str
    options: Mapping[str, Any]
    timeout_s: float
    out: str
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __call__(self, part: Part) -> PartRecord:
        """Draws, renders and labels the scenes of a part, and puts its files at the dataset's address.

        Made twice, it has the same bytes, and the second takes the place of the first.
        """
        with open_store(self.out) as store:
            opened = OpenPart(self.plan, store.folder, part, Sheet(part))
            try:
                for scene in draw(self.plan, self.source, self._pool(), [part]):
                    opened.add(scene)
            except BaseException:
                opened.discard()
                raise
            record = opened.close()
            store.publish(record.files)
            return record

    def _pool(self) -> RenderPool:
        if self.name not in _pools:
            while _pools:
                _pools.popitem()[1].close()
            options, here = unpacked(self.options), LocalExecutor(cores=1)
            _pools[self.name] = RenderPool(self.kind, options, 1, self.timeout_s, here)
        return _pools[self.name]


_pools: dict[str, RenderPool] = {}  # of this process, which makes many parts: engines take long to start


@dataclass(frozen=True)
class FarParts:
    """Has parts made by a cluster, as many at a time as it has workers.

    Attributes:
        executor: The cluster.
        maker: Makes a part.
        workers: Parts made at a time at most.
    """

    executor: RayExecutor
    maker: PartMaker
    workers: int

    def __call__(self, parts: Iterable[Part]) -> Iterator[PartRecord]:
        """Makes parts; the record of each comes as soon as its files are in place, in any order.

        Raises:
            InputError: If the engine refuses its options, or the format a sample.
            MetasimError: If the engine cannot start, or a part is lost too often.
        """
        maker, todo = self.executor.put(self.maker), iter(parts)
        flying = [self.executor.begin(maker, part) for part in islice(todo, AHEAD * self.workers)]
        try:
            while flying:
                done, flying = self.executor.landed(flying)
                flying += [self.executor.begin(maker, part) for part in islice(todo, len(done))]
                yield from map(self.executor.result, done)
        finally:
            for call in flying:
                self.executor.cancel(call)


def far_parts(pool: RenderPool, plan: ExportPlan, source: SceneSource, out: str) -> FarParts:
    """Parts made where the workers of a pool would be, which is closed: it has told what it can do."""
    orders = pool.orders
    assert isinstance(orders.executor, RayExecutor)
    maker = PartMaker(plan, source, orders.kind, orders.options, orders.timeout_s, out)
    pool.close()
    return FarParts(orders.executor, maker, orders.size)
