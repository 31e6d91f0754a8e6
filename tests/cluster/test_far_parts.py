"""Parts that machines of a cluster write straight to a bucket are those of an export to a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pytest
from digits import DigitSource, Lost, plan, pool  # pyright: ignore[reportMissingImports]

from metasim.dataset import afar
from metasim.dataset.afar import far_parts
from metasim.dataset.export import Export
from metasim.dataset.manifest import load_manifest
from metasim.dataset.store import open_store
from metasim.dataset.verify import verify
from metasim.rendering.cluster.executor import RayExecutor
from metasim.rendering.pool import RenderPool
from metasim.runs.progress import NoProgress

if TYPE_CHECKING:
    from door import Door
    from nodes import Nodes

NUM = 60


class Disturbing(NoProgress):
    """Does something each time that so many scenes are in place."""

    def __init__(self, when: list[int], disturb: object) -> None:
        self._when, self._disturb, self._done = when, disturb, 0

    def advance(self, steps: int = 1, **values: float) -> None:
        self._done += steps
        if self._when and self._done >= self._when[0]:
            self._when.pop(0)
            assert callable(self._disturb)
            self._disturb()


def lose() -> None:
    raise Lost


class Rest(NoProgress):
    """Notes how many scenes there are to make."""

    total = 0

    def start(self, stage: str, total: int) -> None:
        self.total = total


def contents(place: Path | str) -> dict[str, str]:
    with open_store(place) as store:
        names = sorted(path for path in store.files() if not path.startswith("costs/"))
        return {path: hashlib.sha256(store.read(path)).hexdigest() for path in names}


def export_afar(executor: RayExecutor, address: str, progress: NoProgress, resume: bool = False) -> None:
    with RenderPool("sprites", executor=executor) as renderer:
        source, what = DigitSource(), plan(NUM)
        made = far_parts(renderer, what, source, address)
        Export(what, source, renderer, address, progress=progress, afar=made).run(resume)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "digits"
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), renderer, out).run()
    return out


def test_a_bucket_has_the_bytes_of_a_folder_though_nodes_and_connections_are_lost(
    nodes: Nodes, door: Door, executor: RayExecutor, folder: Path
) -> None:
    """Ten connections in a row are refused after the first part, and a node is killed after the next."""
    fsspec.filesystem("s3").mkdir("parts")
    disturbances = iter([lambda: setattr(door, "refuse", 10), nodes.kill])
    export_afar(executor, "s3://parts/digits", Disturbing([7, 21], lambda: next(disturbances)()))
    assert door.refused == 10
    assert contents("s3://parts/digits") == contents(folder)
    assert verify("s3://parts/digits") == []
    assert load_manifest("s3://parts/digits")["counts"]["written"] == NUM


def test_a_bucket_is_filled_further_by_a_cluster_of_another_size(
    nodes: Nodes, executor: RayExecutor, folder: Path
) -> None:
    """Begun with three workers, ended with one; parts that are in place are not made again."""
    fsspec.filesystem("s3").mkdir("halves")
    with pytest.raises(Lost):
        export_afar(executor, "s3://halves/digits", Disturbing([20], lose))
    rest = Rest()
    export_afar(RayExecutor(nodes.address, workers=1), "s3://halves/digits", rest, resume=True)
    assert 0 < rest.total < NUM
    assert contents("s3://halves/digits") == contents(folder)
    assert verify("s3://halves/digits") == []


def test_pictures_pass_the_driver_by(
    nodes: Nodes, executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process makes no sample and writes no part."""

    def never(*_: object) -> None:
        raise AssertionError("a part is made here")

    monkeypatch.setattr(afar.PartMaker, "__call__", never)
    monkeypatch.setattr(RenderPool, "stream", never)
    with RenderPool("sprites", executor=executor) as renderer:
        what = plan(14)
        made = far_parts(renderer, what, DigitSource(), "memory://nowhere")
        records = list(made(what.parts()))
    assert sum(len(record.written) for record in records) == 14
