"""The benchmark of the link to Unity players: figures by size, from frames that really crossed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasim.base.processes import running
from metasim.bench.link import LinkBench
from metasim.bench.render import usual_experiment
from metasim.runs.progress import NoProgress

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.mark.blender
@pytest.mark.filterwarnings("ignore:Call to deprecated create function")
def test_each_size_has_its_figures_and_no_player_is_left() -> None:
    experiment = usual_experiment(EXPERIMENTS, "unity-standin")
    *rounds, summary = LinkBench(experiment, rounds=2, sides=(8,)).run(NoProgress())
    figures = [line["cpu_ms_per_scene"] for line in rounds]
    assert len(figures) == 2
    assert summary["cpu_ms_per_scene_8"] == round(sum(figures) / 2, 4)
    assert summary["cpu_ms_per_scene_8"] > 0.0
    assert summary["experiment"] == "tyol_unity"
    assert summary["slots"] == 16
    assert len(summary["passes"]) == 4
    assert running("renderers.unity.standin") == []
