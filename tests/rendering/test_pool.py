"""The pool: same frames whatever happens to workers, failures that stay with their scene."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from fault_scenes import expected, image, scene

from metasim.base.errors import InputError, MetasimError
from metasim.base.processes import running
from metasim.rendering import hand, process
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.pool import AHEAD, BATCH, SPREAD, RenderPool, batches
from metasim.rendering.process import ENTRY, SETTLED_AFTER, EngineProcess, WorkerDied, memory_kills
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.rendering.worker import FIRST_TO_DIE
from metasim.scene.graph import SceneGraph, SceneNode

ENGINE = "fault_engine:FaultEngine"
HERE = "fault_engine:HereEngine"
HDR = frozenset({Pass.HDR})


@pytest.fixture(autouse=True)
def _engines_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def workers_of(pid: int) -> list[psutil.Process]:
    return running(ENTRY, pid)


@pytest.mark.parametrize("workers", [1, 2])
def test_frames_come_in_order_and_depend_only_on_scene_and_seed(workers: int) -> None:
    order = np.random.default_rng(0).permutation(20)
    with RenderPool(ENGINE, workers=workers) as pool:
        results = pool.render([scene(float(i)) for i in order], HDR, [100 + int(i) for i in order])
    assert [image(result) for result in results] == [expected(i, 100 + int(i)) for i in order]
    assert (pool.counters.frames, pool.counters.failures, pool.counters.restarts) == (20, 0, 0)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("crash", "SIGSEGV"),
        ("exit", "left with status 3: out of luck"),
        ("hang", "no answer for 1 s"),
        ("stall", "no answer for 1 s"),
        ("nan", "hdr is not finite"),
        ("raise", "RuntimeError: cannot paint"),
        ("lost", "left out hdr"),
    ],
)
def test_a_bad_scene_fails_alone(fault: str, reason: str) -> None:
    scenes = [scene(float(i), fault if i == 3 else "none") for i in range(8)]
    with RenderPool(ENGINE, workers=2, timeout_s=1.0) as pool:
        results = pool.render(scenes, HDR, range(8))
    failure = results.pop(3)
    assert isinstance(failure, SceneFailure)
    assert reason in failure.reason
    assert "then" not in failure.reason, "the same twice is said once"
    assert [image(r) for r in results] == [expected(i, i) for i in range(8) if i != 3]
    assert (pool.counters.frames, pool.counters.failures) == (7, 1)
    assert pool.counters.restarts == (2 if fault in ("crash", "exit", "hang", "stall") else 0)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("few", "0 frames of 1 scenes"),
        ("float", "rgb is float64 of shape (4, 4, 3); expected uint8 of (4, 4, 3)"),
        ("small", "rgb is uint8 of shape (3, 4, 3); expected uint8 of (4, 4, 3)"),
    ],
)
def test_frames_that_are_no_images_are_failures(fault: str, reason: str) -> None:
    """An engine of one's own may forget the type, the size or a scene: it is told, not learnt from."""
    with RenderPool(ENGINE, workers=1) as pool:
        good, bad = pool.render([scene(1.0), scene(2.0, fault)], frozenset({Pass.RGB}), [0, 1])
    assert isinstance(good, Frame)
    assert isinstance(bad, SceneFailure)
    assert reason in bad.reason


def test_images_without_a_pixel_are_refused() -> None:
    with pytest.raises(ValueError, match="0 x 4 pixels"):
        Capabilities(HDR, (0, 4))


def test_a_scene_that_fails_once_is_rendered_after_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RenderPool(ENGINE, {"marks": tmp_path}, workers=1) as pool:
        results = pool.render([scene(1.0, "once"), scene(2.0)], HDR, [5, 6])
    assert [image(result) for result in results] == [expected(1.0, 5), expected(2.0, 6)]
    assert (pool.counters.restarts, pool.counters.failures) == (1, 0)
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [
        "a worker is lost and will be replaced"
    ]


def test_workers_killed_from_outside_cost_nothing() -> None:
    """Frames of 3 MB, so that kills also hit workers in the middle of an answer."""
    size, kills = 500, 0
    with RenderPool(ENGINE, {"size": size, "seconds": 0.02}, workers=2) as pool:
        for index, result in pool.stream([scene(float(i)) for i in range(60)], HDR, range(60)):
            assert image(result) == expected(index, index, size)
            if pool.counters.frames in (10, 30, 45):
                os.kill(workers_of(os.getpid())[0].pid, signal.SIGKILL)
                kills += 1
    assert (pool.counters.frames, pool.counters.restarts, kills) == (60, 3, 3)


def test_a_worker_that_grows_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each leaky scene keeps a MiB: a worker that has settled lives for about 8 of them."""
    monkeypatch.setattr(hand, "GROWTH", 8 * 2**20)
    count = 4 * (SETTLED_AFTER + 10)
    for fault, most, least in (("leak", 4, 3), ("none", 0, 0)):
        with RenderPool(ENGINE, workers=1) as pool:
            results = pool.render([scene(float(i), fault) for i in range(count)], HDR, range(count))
            assert [image(result) for result in results] == [expected(i, i) for i in range(count)]
            assert least <= pool.counters.recycled <= most
            assert pool.counters.restarts == 0


def test_a_worker_that_the_kernel_kills_says_whether_memory_ran_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kills = iter([3, 3, 3, 4])  # two workers: as each starts, and as each has died
    monkeypatch.setattr(process, "memory_kills", lambda: next(kills))
    reasons: list[str] = []
    for _ in range(2):
        worker = EngineProcess()
        worker.make_engine(ENGINE, {"marks": tmp_path})
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(WorkerDied) as death:
            worker.receive(5.0)
        reasons.append(str(death.value))
    assert reasons == [
        "worker ended by SIGKILL, killed from outside",
        "worker ended by SIGKILL, out of memory",
    ]


def test_memory_kills_are_read_from_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 12\noom_kill 7\npgfault 3\n")
    assert memory_kills(tmp_path / "vmstat") == 7
    assert memory_kills(tmp_path / "none") == 0
    with RenderPool(ENGINE, workers=1) as pool:
        pool.render([scene(0.0)], HDR, [0])
        worker = workers_of(os.getpid())[0]
        assert Path(f"/proc/{worker.pid}/oom_score_adj").read_text().strip() == str(FIRST_TO_DIE)


def test_scenes_and_frames_larger_than_any_pipe_pass_each_other() -> None:
    """A scene sent ahead may not block while the worker is blocked on its answer."""
    size, leaves = 500, [SceneNode(f"leaf_{i}", "leaf", "leaf", 0, {"value": 0.0}) for i in range(5000)]
    scenes = [SceneGraph((*scene(float(i)).nodes, *leaves)) for i in range(8)]
    with RenderPool(ENGINE, {"size": size}, workers=1, timeout_s=10.0) as pool:
        results = pool.render(scenes, HDR, range(8))
    assert [image(result) for result in results] == [expected(i, i, size) for i in range(8)]
    assert pool.counters.restarts == 0


def test_workers_leave_with_the_pool_and_close_their_engines(tmp_path: Path) -> None:
    with RenderPool(ENGINE, {"marks": tmp_path}, workers=2) as pool:
        pool.render([scene(float(i)) for i in range(8)], HDR, range(8))
        assert len(workers_of(os.getpid())) == 2
    assert workers_of(os.getpid()) == []
    assert (tmp_path / "closed").exists()


def test_nothing_is_left_of_workers_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with RenderPool(ENGINE, workers=2) as pool:
        pool.render([scene(float(i), "crash" if i == 3 else "none") for i in range(8)], HDR, range(8))
        pool.render([scene(8.0)], HDR, [8])
        assert list(tmp_path.glob("*/fault-*")), "who is at work has files there"
    assert list(tmp_path.iterdir()) == []


def _interrupt(stream: Iterator[object]) -> None:
    next(stream)
    raise KeyboardInterrupt


def test_an_error_in_the_block_ends_workers_in_the_middle_of_a_scene() -> None:
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), RenderPool(ENGINE, workers=2) as pool:
        _interrupt(pool.stream([scene(0.0), *[scene(1.0, "hang")] * 5], HDR, range(6)))
    assert time.monotonic() - began < 10
    assert workers_of(os.getpid()) == []


PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
sys.path[:0] = {path!r}
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph, SceneNode
def scene(cls):
    return SceneGraph((SceneNode("root", "root", cls, None, dict(value=0.0)),))
pool = RenderPool("fault_engine:FaultEngine", workers=2)
with pool:
    pool.render([scene("none")] * 8, frozenset([Pass.HDR]), range(8))
    print("ready", flush=True)
    pool.render([scene("hang")] * 2, frozenset([Pass.HDR]), range(2))
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_a_parent_that_is_killed_or_interrupted(sign: signal.Signals) -> None:
    source = PARENT.format(path=[str(Path(__file__).parent)])
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        workers = workers_of(parent.pid)
        assert len(workers) == 2
        parent.send_signal(sign)
        parent.wait(timeout=20)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


def test_an_input_error_of_the_engine_reaches_the_caller() -> None:
    with RenderPool(ENGINE, workers=2) as pool:
        with pytest.raises(InputError, match="a class that can be painted"):
            pool.render([scene(0.0), scene(1.0, "refuse"), *[scene(2.0)] * 20], HDR, range(22))
        assert image(pool.render([scene(3.0)], HDR, [9])[0]) == expected(3.0, 9)


@pytest.mark.parametrize(
    ("refuse", "error", "message"),
    [
        ("input", InputError, "anything else"),
        ("broken", MetasimError, "RuntimeError: no display"),
        ("dies", MetasimError, "cannot start: worker left with status 7"),
    ],
)
def test_an_engine_that_cannot_be_made_is_an_error(refuse: str, error: type[Exception], message: str) -> None:
    with RenderPool(ENGINE, {"refuse": refuse}) as pool, pytest.raises(error, match=message):
        pool.render([scene(0.0)], HDR, [0])
    assert workers_of(os.getpid()) == []


def test_what_the_engine_cannot_do_is_refused_before_rendering() -> None:
    with RenderPool(ENGINE, workers=1) as pool:
        assert pool.capabilities.size == (4, 4)
        with pytest.raises(InputError, match="flow_forward"):
            pool.render([scene(0.0)], frozenset({Pass.FLOW_FORWARD}), [0])
        with pytest.raises(ValueError, match="one for each"):
            pool.render([scene(0.0)], HDR, [0, 1])
    with pytest.raises(MetasimError, match="closed"):
        pool.render([scene(0.0)], HDR, [0])


def test_a_slow_caller_bounds_the_frames_in_flight(tmp_path: Path) -> None:
    with RenderPool(ENGINE, {"marks": tmp_path}, workers=1) as pool:
        stream = pool.stream([scene(float(i)) for i in range(200)], HDR, range(200))
        next(stream)
        time.sleep(0.5)
        assert 1 < len(list(tmp_path.glob("frame_*"))) <= AHEAD + 1


@pytest.mark.parametrize("streamed", [False, True])
def test_while_a_scene_hangs_others_are_rendered(streamed: bool) -> None:
    """All of them if all are wanted; in a stream, as many as it may be ahead for each of two tries."""
    scenes = [scene(0.0, "hang"), *[scene(float(i)) for i in range(1, 150)]]
    failures: list[int] = []
    with RenderPool(ENGINE, {"seconds": 0.01}, workers=3, timeout_s=2.0) as pool:
        pool.render([scene(0.0)] * 100, HDR, range(100))  # until all workers are there
        if streamed:
            failures += [pool.counters.failures for _ in pool.stream(scenes, HDR, range(150))]
        else:
            pool.render(scenes, HDR, range(150), lambda *_: failures.append(pool.counters.failures))
        assert (pool.counters.frames, pool.counters.restarts) == (249, 2)
    most = 2 * 3 * SPREAD if streamed else 150
    behind = 1  # sent to the same worker before it hung
    assert most - 1 - behind <= failures.index(1) <= most - 1


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    with RenderPool(ENGINE, workers=1) as pool:
        pool.render([scene(0.0)] * 5, HDR, range(5), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 5) for i in range(1, 6)]


def test_a_pool_may_be_opened_in_a_thread_that_ends() -> None:
    """Linux ends a child with the thread that started it; that must not be the caller's."""
    pools: list[RenderPool] = []

    def start() -> None:
        pools.append(RenderPool(ENGINE, workers=1))
        pools[0].render([scene(0.0)], HDR, [0])

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with pools[0] as pool:
        pool.render([scene(0.0)], HDR, [0])
        assert pool.counters.restarts == 0


@pytest.mark.parametrize(("noiseless", "calls"), [(True, [64, 64, 2]), (False, [3, 64, 63])])
def test_engines_in_this_process_get_batches(noiseless: bool, calls: list[int]) -> None:
    seeds = [7, 8, 9, *range(100, 227)]
    with RenderPool(HERE, {"noiseless": noiseless}) as pool:
        results = pool.render([scene(float(i)) for i in range(130)], HDR, seeds)
        assert workers_of(os.getpid()) == [] or len(workers_of(os.getpid())) == 1
    sizes = [int(result[Pass.HDR][-1]) for result in results if isinstance(result, Frame)]
    assert sizes == [size for size in calls for _ in range(size)]


def test_a_batch_with_a_bad_scene_loses_only_that() -> None:
    with RenderPool(HERE) as pool:
        results = pool.render([scene(0.0), scene(1.0, "raise"), scene(2.0)], HDR, [0, 1, 2])
    assert [isinstance(result, SceneFailure) for result in results] == [False, True, False]


def test_batches_cover_all_scenes_once() -> None:
    seeds = [int(seed) for seed in np.random.default_rng(0).integers(0, 3, 500).cumsum()]
    for noiseless in (True, False):
        parts = list(batches(seeds, noiseless))
        assert [i for start, stop in parts for i in range(start, stop)] == list(range(500))
        assert all(0 < stop - start <= BATCH for start, stop in parts)
        assert noiseless or all(seeds[b - 1] - seeds[a] == b - 1 - a for a, b in parts)


@pytest.mark.parametrize("kind", [ENGINE, HERE])
def test_scenes_that_belong_together_are_rendered_as_alone(kind: str) -> None:
    scenes = [scene(float(i)) for i in range(5)]
    with RenderPool(kind, workers=2) as pool:
        together = pool.submit(scenes, HDR, 100).result()
        assert pool.counters.frames == 5
        alone = [pool.submit([each], HDR, 100 + i).result()[0] for i, each in enumerate(scenes)]
    for first, second in zip(together, alone, strict=True):
        assert isinstance(first, Frame)
        assert isinstance(second, Frame)
        np.testing.assert_array_equal(first[Pass.HDR].ravel()[:48], second[Pass.HDR].ravel()[:48])


@pytest.mark.parametrize(("fault", "reason"), [("crash", "SIGSEGV"), ("hang", "no answer for 1 s")])
def test_a_worker_lost_to_one_scene_fails_those_that_belong_to_it_and_no_other(
    fault: str, reason: str
) -> None:
    groups = [[scene(float(i), fault if i == 4 else "none") for i in range(j, j + 3)] for j in (0, 3, 6)]
    with RenderPool(ENGINE, workers=2, timeout_s=1.0) as pool:
        results = [f.result() for f in [pool.submit(group, HDR, 0) for group in groups]]
        counters = pool.counters
    assert [[isinstance(r, Frame) for r in group] for group in results] == [
        [True] * 3,
        [False] * 3,
        [True] * 3,
    ]
    assert all(isinstance(r, SceneFailure) and reason in r.reason for r in results[1])
    assert (counters.frames, counters.failures, counters.restarts) == (6, 3, 2)


def test_a_scene_that_raises_fails_alone_among_those_it_belongs_to() -> None:
    scenes = [scene(float(i), "raise" if i == 1 else "none") for i in range(3)]
    with RenderPool(ENGINE, workers=1) as pool:
        results = pool.submit(scenes, HDR, 0).result()
    assert [isinstance(result, Frame) for result in results] == [True, False, True]
    assert image(results[2]) == expected(2.0, 2)


def test_a_scene_beyond_the_engine_is_told_by_the_future() -> None:
    with RenderPool(ENGINE, workers=1) as pool, pytest.raises(InputError, match="can be painted"):
        pool.submit([scene(0.0, "refuse")], HDR, 0).result()
