"""Workers on a cluster: frames, failures and files as on one machine, and lost machines cost a retry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from fault_scenes import expected, image, scene  # pyright: ignore[reportMissingImports]

from metasim.base.errors import InputError
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.cluster.executor import RayExecutor, connect
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass

if TYPE_CHECKING:
    from nodes import Nodes

ENGINE = "fault_engine:FaultEngine"
HDR = frozenset({Pass.HDR})


def test_nodes_listen_on_loopback_alone(nodes: Nodes, executor: RayExecutor) -> None:
    with RenderPool(ENGINE, executor=executor) as pool:
        pool.render([scene(0.0)], HDR, [0])
        listening = [
            connection.laddr.ip.removeprefix("::ffff:")
            for process in {*nodes.processes(), psutil.Process()}
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
    assert len(listening) > 3
    assert set(listening) == {"127.0.0.1"}


def test_bad_scenes_fail_alone_and_for_the_reason_they_fail_for_here(
    nodes: Nodes, executor: RayExecutor
) -> None:
    faults = {3: "crash", 7: "hang", 11: "nan"}
    scenes = [scene(float(i), faults.get(i, "none")) for i in range(20)]
    with RenderPool(ENGINE, timeout_s=1.0, executor=executor) as pool:
        assert pool.workers == 3
        results = pool.render(scenes, HDR, range(20))
        assert (pool.counters.frames, pool.counters.failures, pool.counters.restarts) == (17, 3, 4)
    for index, reason in {3: "SIGSEGV", 7: "no answer for 1 s", 11: "hdr is not finite"}.items():
        failure = results[index]
        assert isinstance(failure, SceneFailure)
        assert reason in failure.reason
    assert [image(r) for i, r in enumerate(results) if i not in faults] == [
        expected(i, i) for i in range(20) if i not in faults
    ]
    assert nodes.is_clean()


def test_killed_nodes_lose_nothing(nodes: Nodes, executor: RayExecutor) -> None:
    """Large frames, so that kills also hit what lies in an object store."""
    size, seen = 150, list[int]()
    with RenderPool(ENGINE, {"size": size, "seconds": 0.05}, executor=executor) as pool:
        for index, result in pool.stream([scene(float(i)) for i in range(120)], HDR, range(120)):
            assert image(result) == expected(index, index, size)
            seen.append(index)
            if len(seen) in (20, 60):
                nodes.kill()
        assert pool.counters.failures == 0
        assert pool.counters.restarts >= 1
    assert sorted(seen) == list(range(120))
    assert nodes.is_clean()


def test_an_error_of_the_engine_is_the_one_it_is_here(executor: RayExecutor) -> None:
    with (
        RenderPool(ENGINE, {"refuse": "input"}, workers=1, executor=executor) as pool,
        pytest.raises(InputError, match=r"renderer\.refuse: input; expected anything else"),
    ):
        pool.render([scene(0.0)], HDR, [0])


def test_an_address_without_a_cluster_is_told(nodes: Nodes) -> None:
    connect(nodes.address).shutdown()
    with pytest.raises(InputError, match=r"executor\.address"):
        RayExecutor("127.0.0.1:9")
    connect(nodes.address)


def test_files_travel_once(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "value.txt").write_text("0.25")
    executor = RayExecutor(nodes.address)
    sent = executor.sent("reading_engine:ReadingEngine", {"folder": tmp_path})
    first, again = (
        sent["folder"],
        executor.sent("reading_engine:ReadingEngine", {"folder": tmp_path})["folder"],
    )
    assert first is again
    with RenderPool("reading_engine:ReadingEngine", {"folder": tmp_path}, executor=executor) as pool:
        results = pool.render([scene(0.0)] * 12, HDR, range(12))
    assert [float(r[Pass.HDR][0, 0, 0]) for r in results if isinstance(r, Frame)] == [0.25] * 12
    places = {r.facts["inode"] for r in results if isinstance(r, Frame)}
    assert len(places) == 1, "one copy for all that is on a machine"
    assert (tmp_path / "sub" / "value.txt").stat().st_ino not in places
