"""Runs, banks and datasets of a cluster have the bytes of those made on one machine, whatever it loses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from digits import DigitSource, Losing, Lost, plan, pool  # pyright: ignore[reportMissingImports]
from disturbed import DisturbedPool
from matching_scenes import CHUNK, SLOW, digits_grammar, propose, scenes  # pyright: ignore[reportMissingImports]

from metasim.cli import main
from metasim.config import load_experiment
from metasim.dataset.export import Export
from metasim.dataset.verify import verify
from metasim.matching import rounds
from metasim.matching.bank import Bank
from metasim.pipeline import Experiment
from metasim.rendering.cluster.executor import RayExecutor
from metasim.rendering.pool import RenderPool
from metasim.runs.folder import RunFolder
from metasim.runs.progress import NoProgress

if TYPE_CHECKING:
    from nodes import Nodes

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "digits_rotation.yaml"
SMALL = (
    "matching.renders=100",
    "matching.effort=0.01",
    "target.num=30",
    "verdict.draws=1",
    "verdict.permutations=20",
    "verdict.features=[pixels]",
    "renderer.size=16",
    "output.tensorboard=false",
)
NUM = 60
KILLS = (8, 25, 42)


def digest(folder: Path) -> dict[str, str]:
    """Hash of every file by path, except what was measured."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != "costs")
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def train(out: Path, *changes: str) -> RunFolder:
    experiment = Experiment.prepare(load_experiment(EXPERIMENT, [*SMALL, *changes]))
    return experiment.run(out, False, NoProgress())


def export(run: RunFolder, out: Path, *words: str) -> None:
    what = ["--format", "webdataset", "--num", str(NUM), "--shard-samples", "9"]
    assert main(["export", "--run", str(run.path), "--out", str(out), *what, *words]) == 0


def judged(folder: RunFolder) -> dict[str, Any]:
    """What a run ends with, but for the seconds."""
    summary = json.loads(folder.summary.read_text())
    return {key: value for key, value in summary.items() if not key.endswith("seconds")}


def test_a_run_and_its_dataset(nodes: Nodes, tmp_path: Path) -> None:
    there = ("executor.kind=ray", f"executor.address={nodes.address}")
    runs = [train(tmp_path / "here"), train(tmp_path / "there", *there)]
    for name in ("bank", "checkpoints/best.pt", "target.npz", "population.npz", "config.yaml"):
        one, other = (
            digest(path) if (path := run.path / name).is_dir() else path.read_bytes() for run in runs
        )
        assert one == other, name
    assert judged(runs[0]) == judged(runs[1])
    export(runs[1], tmp_path / "data")
    export(runs[1], tmp_path / "data_there", "--set", *there)
    assert digest(tmp_path / "data") == digest(tmp_path / "data_there")
    assert nodes.is_clean()


def test_nodes_killed_while_a_bank_grows(
    nodes: Nodes, executor: RayExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "CHUNK", CHUNK)
    disturbed = DisturbedPool(nodes.kill, KILLS, SLOW, executor=executor)
    for name, renderer in (("calm", RenderPool(SLOW)), ("killed", disturbed)):
        with renderer:
            of = scenes(digits_grammar(), renderer)
            Bank(tmp_path / name, of).grow(lambda of=of: propose(of), NUM, lambda _: None)
    assert digest(tmp_path / "calm") == digest(tmp_path / "killed")
    assert (disturbed.counters.frames, disturbed.counters.failures) == (NUM, 0)
    assert disturbed.counters.restarts >= 1  # a worker may have nothing to do when its node is killed
    assert nodes.is_clean()


def test_nodes_killed_during_an_export(nodes: Nodes, executor: RayExecutor, tmp_path: Path) -> None:
    disturbed = DisturbedPool(nodes.kill, KILLS, SLOW, executor=executor)
    for name, renderer in (("calm", RenderPool(SLOW)), ("killed", disturbed)):
        with renderer:
            Export(plan(NUM), DigitSource(), renderer, tmp_path / name).run()
    assert digest(tmp_path / "calm") == digest(tmp_path / "killed")
    assert verify(tmp_path / "killed") == []
    assert disturbed.counters.restarts >= 1  # a worker may have nothing to do when its node is killed
    assert nodes.is_clean()


def test_an_export_goes_on_with_clusters_of_other_sizes(nodes: Nodes, tmp_path: Path) -> None:
    """Begun with three workers, gone on with one, then with two, ended on this machine."""
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), renderer, tmp_path / "whole").run()
    out = tmp_path / "often"
    for number, workers in enumerate((3, 1, 2)):
        executor = RayExecutor(nodes.address, workers)
        with RenderPool("sprites", executor=executor) as renderer:
            what = Export(plan(NUM), DigitSource(), renderer, out, progress=Losing(15))
            with pytest.raises(Lost):
                what.run(resume=number > 0)
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), renderer, out).run(resume=True)
    assert digest(out) == digest(tmp_path / "whole")
