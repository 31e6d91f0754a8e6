"""The experiment for Unity players reaches through stand-ins what the engine behind them reaches alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from metasim.cli import main
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "tyol_unity.yaml"
SMALL = (
    "matching.renders=100",
    "matching.effort=0.01",
    "target.num=30",
    "grammar=grammars/tyol/single_1_attr.yaml",
    "target.grammar=grammars/tyol/single_1_attr_target.yaml",
    "verdict.draws=1",
    "verdict.permutations=20",
    "output.tensorboard=false",
    "renderer.size=12",
    "renderer.workers=1",
)
ALONE = ("renderer.kind=blender", "renderer.samples=1")
BEHIND = json.dumps({"samples": 1, "size": 12})
THROUGH = (
    f"renderer.player={sys.executable}",
    f"renderer.arguments=[-m, renderers.unity.standin, --engine, blender, --options, '{BEHIND}']",
    "renderer.noisy=true",
)
TIMES = {"wall_seconds", "render_seconds"}


def train(out: Path, *changes: str) -> RunFolder:
    words = [word for change in (*SMALL, *changes) for word in ("--set", change)]
    assert main(["train", "--exp", str(EXPERIMENT), "--out", str(out), *words]) == 0
    return RunFolder(out / "tyol_unity" / "0")


@pytest.mark.blender
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:Call to deprecated create function")
def test_both_see_the_same_images_learn_the_same_and_say_the_same_of_it(tmp_path: Path) -> None:
    alone, through = train(tmp_path / "alone", *ALONE), train(tmp_path / "through", *THROUGH)
    for name in ("images", "bank", "graphs"):
        files = [p.relative_to(alone.path) for p in sorted((alone.path / name).rglob("*.*"))]
        assert files == [p.relative_to(through.path) for p in sorted((through.path / name).rglob("*.*"))]
        assert len(files) > 2
        for file in files:
            assert (alone.path / file).read_bytes() == (through.path / file).read_bytes(), file
    ours, theirs = (load_checkpoint(folder.checkpoints / "last.pt")["network"] for folder in (alone, through))
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours)
    ours, theirs = (json.loads(folder.summary.read_text()) for folder in (alone, through))
    assert ours["attributes"]["object.yaw"]["w1"] is not None
    assert {k: v for k, v in ours.items() if k not in TIMES} == {
        k: v for k, v in theirs.items() if k not in TIMES
    }
