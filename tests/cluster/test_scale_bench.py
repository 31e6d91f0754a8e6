"""The benchmark of scale: its lines, its summary, and nothing left running."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasim.runs.progress import NoProgress

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_a_summary_follows_from_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed")
    if ray.is_initialized():
        ray.shutdown()  # this process may be part of one cluster at a time
    from metasim.bench import scale

    monkeypatch.setattr(scale, "SETTLED", 400)
    monkeypatch.setattr(scale, "GLANCES", (400, 10_000))
    effort = scale.Effort((1,), scenes=200, sleep_s=0.0, soak=1000, sizes=(16, 32), samples=(1, 2), frames=2)
    lines = [*scale.ScaleBench(EXPERIMENTS, "sprites", effort, 512, 256, 0.05).run(NoProgress())]
    nodes, large, memory, *_, summary = lines
    assert [line["measured"] for line in lines[:-1]] == ["nodes", "nodes", "memory", *["scene"] * 4]
    assert nodes["px"] < large["px"]
    assert summary["driver_cpu_ms_per_scene"] == nodes["driver_cpu_ms_per_scene"] > 0.0
    assert len(summary["rows"]) == len(scale.IMAGES) * len(scale.WORKERS)
    model = summary["model"]
    each = model["scene_s"] + 512**2 * (model["pixel_s"] + 256 * model["path_s"])
    assert summary["rows"][0]["network_gigabytes"] > 64**2 * 3 * 1e4 / 1e9
    assert nodes["network_kb_per_scene"] > 64**2 * 3 / 1e3
    handing = model["driver_s"] + model["byte_s"] * (model["scene_n"] + 512**2 * model["pixel_n"])
    slowest = max(each / summary["rows"][0]["workers"], handing)
    assert summary["rows"][0]["hours"] == pytest.approx((model["start_s"] + 1e4 * slowest) / 3600)
    assert summary["saturation_workers"] == pytest.approx(each / handing)
    assert list(memory["mb"]) == [400]
    assert 0.0 <= summary["driver_growth_mb"] == memory["growth_mb"] < 50.0
    assert not ray.is_initialized()
