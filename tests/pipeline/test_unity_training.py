"""The experiment for Unity players reaches through stand-ins what the engine behind them reaches alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from metasim.config import load_experiment
from metasim.pipeline import Experiment
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder
from metasim.runs.progress import NoProgress

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "tyol_unity.yaml"
SMALL = (
    "matching.renders=100",
    "matching.effort=0.01",
    "target.num=30",
    "grammar=grammars/tyol/single_1_attr.yaml",
    "target.grammar=grammars/tyol/single_1_attr_target.yaml",
    "output.tensorboard=false",
    "renderer.size=12",
)
ALONE = ("renderer.kind=blender", "renderer.samples=1", "renderer.workers=1")
BEHIND = json.dumps({"samples": 1, "size": 12})
THROUGH = (
    f"renderer.player={sys.executable}",
    f"renderer.arguments=[-m, renderers.unity.standin, --engine, blender, --options, '{BEHIND}']",
    "renderer.noisy=true",
    "renderer.workers=1",
)


def train(out: Path, *changes: str) -> RunFolder:
    """A training but for its verdict, which follows from what is compared here."""
    return Experiment.prepare(load_experiment(EXPERIMENT, [*SMALL, *changes])).run(out, False, NoProgress())


@pytest.mark.blender
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:Call to deprecated create function")
def test_both_see_the_same_images_and_learn_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Experiment, "_judge", lambda *_: None)
    alone, through = train(tmp_path / "alone", *ALONE), train(tmp_path / "through", *THROUGH)
    for name in ("images", "bank"):
        files = [p.relative_to(alone.path) for p in sorted((alone.path / name).rglob("*.*"))]
        assert files == [p.relative_to(through.path) for p in sorted((through.path / name).rglob("*.*"))]
        assert len(files) > 2
        for file in files:
            assert (alone.path / file).read_bytes() == (through.path / file).read_bytes(), file
    ours, theirs = (load_checkpoint(folder.checkpoints / "last.pt")["network"] for folder in (alone, through))
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours)
