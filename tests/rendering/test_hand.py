"""Scenes are sent to a worker together where that is cheaper, but not those that take long."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fault_scenes import scene

from metasim.rendering.executor import LocalExecutor, Worker
from metasim.rendering.hand import TOGETHER_S
from metasim.rendering.pool import RenderPool
from metasim.rendering.process import EngineProcess
from metasim.rendering.protocol import Frame, Pass

GROUP = 4


class Counting(LocalExecutor):
    """Groups tasks, and notes how many of them go out together."""

    group = GROUP

    def __init__(self) -> None:
        super().__init__()
        self.together: list[int] = []

    def worker(self, size: int, timeout_s: float) -> Worker:
        noted = self.together

        class Noting(EngineProcess):
            def send(self, messages: Sequence[bytes]) -> None:
                noted.append(len(messages))
                super().send(messages)

        return Noting(size)


@pytest.mark.parametrize(("share", "together"), [(0.1, GROUP), (0.5, 2), (2.0, 1)])
def test_as_many_scenes_go_together_as_take_little_time(
    share: float, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metasim.rendering.hand.TOGETHER_S", TOGETHER_S / 10)
    seconds, executor = 0.75 * share * TOGETHER_S / 10, Counting()
    with RenderPool("fault_engine:FaultEngine", {"seconds": seconds}, 1, executor=executor) as pool:
        results = pool.render([scene(float(i)) for i in range(14)], frozenset({Pass.HDR}), range(14))
    assert all(isinstance(result, Frame) for result in results)
    assert max(executor.together) == together
