"""The benchmark of rendering: every figure that an engine can have, from frames it really renders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import psutil
import pytest

from metasim.base.errors import InputError, MetasimError
from metasim.bench.bare import BareProcesses
from metasim.bench.render import SETTLED, Effort, RenderBench, usual_experiment
from metasim.cli import main
from metasim.config import load_experiment
from metasim.pipeline import Experiment
from metasim.rendering.registry import check_options
from metasim.runs.progress import NoProgress

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FIGURES = {"fps", "fps_bare", "ratio_bare", "scaling_2", "passes_overhead", "memory_growth"}
KEYS = {"bench", "engine", "experiment", "px", "spp"} | FIGURES


def known(summary: dict[str, object]) -> set[str]:
    assert summary.keys() == KEYS
    return {figure for figure in FIGURES if summary[figure] is not None}


def test_sprites_have_neither_a_bare_loop_nor_workers(capsys: pytest.CaptureFixture[str]) -> None:
    words = "bench render --engine sprites --quick --frames 400 --experiments"
    assert main([*words.split(), str(EXPERIMENTS)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert known(lines[-1]) == {"fps", "passes_overhead", "memory_growth"}
    assert len(lines) == 7, "three rounds of each comparison, and the summary"
    assert lines[-1]["fps"] == round(sorted(line["fps"] for line in lines[:3])[1], 4)


@pytest.mark.blender
@pytest.mark.slow
def test_blender_has_all_figures_and_leaves_no_process() -> None:
    effort = Effort(rounds=1, frames=4, label_frames=2, soak=0, small=(8, 1), large=(8, 1))
    before = set(psutil.Process().children(recursive=True))
    *_, summary = RenderBench(EXPERIMENTS / "tyol.yaml", effort).run(NoProgress())
    assert known(summary) == FIGURES - {"memory_growth"}
    assert (summary["engine"], summary["experiment"]) == ("blender", "tyol")
    assert (summary["px"], summary["spp"]) == (8, 1)
    assert all(summary[figure] > 0 for figure in ("fps", "fps_bare", "ratio_bare", "scaling_2"))
    left = set(psutil.Process().children(recursive=True)) - before
    assert [p for p in left if "resource_tracker" not in " ".join(p.cmdline())] == []


@pytest.mark.blender
def test_the_bare_loop_renders_a_file_of_ones_own() -> None:
    experiment = Experiment.prepare(load_experiment(EXPERIMENTS / "own_blend.yaml"))
    options = check_options("blender", {**experiment.config.renderer.options, "size": 8})
    scenes = [experiment.grammar.sample(np.random.default_rng(seed)) for seed in range(3)]
    with BareProcesses("blender", options, 1) as bare:
        assert bare((scenes, range(3))) > 0.0
    wrong = options | {"bind": {"mug.yaw": 'objects["Mgu"].rotation_euler[2]'}}
    with BareProcesses("blender", wrong, 1) as bare, pytest.raises(MetasimError, match="bare loop died"):
        bare((scenes, range(3)))


def test_wrong_words_are_refused_before_rendering() -> None:
    with pytest.raises(InputError, match="one of blender, sprites"):
        usual_experiment(EXPERIMENTS, "crayons")
    assert main(["bench", "render", "--engine", "sprites", "--frames", str(SETTLED)]) == 2
