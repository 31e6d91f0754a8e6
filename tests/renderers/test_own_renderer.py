"""A user's own engine, named by its dotted path, runs like a built-in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasim.base.errors import InputError
from metasim.rendering.contract import check_renderer
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.rendering.registry import engine
from metasim.scene.graph import SceneGraph, SceneNode

KIND = "bar_renderer:BarRenderer"
RGB = frozenset({Pass.RGB})


@pytest.fixture(autouse=True)
def _engine_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def scenes() -> list[SceneGraph]:
    return [SceneGraph((SceneNode("bar", "bar", "bar", None, {"width": width}),)) for width in range(8)]


def test_worker_processes_render_it_by_its_dotted_path() -> None:
    with RenderPool(KIND, {"size": 10}, workers=1) as pool:
        results = pool.render(scenes(), RGB, range(8))
    for width, frame in enumerate(results):
        assert isinstance(frame, Frame)
        assert frame[Pass.RGB].shape == (10, 10, 3)
        assert int(frame[Pass.RGB].sum()) == 255 * 3 * 10 * width


def test_it_keeps_the_contract() -> None:
    check_renderer(engine(KIND), scenes())


def test_its_options_are_checked_by_its_signature() -> None:
    with pytest.raises(InputError, match=r"renderer\.side"):
        RenderPool(KIND, {"side": 10})
    with pytest.raises(InputError, match=r"renderer\.size"):
        RenderPool(KIND, {"size": "wide"})
