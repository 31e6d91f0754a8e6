"""Runs, banks and datasets of a cluster have the bytes of those made on one machine, whatever it loses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from digits import DigitSource, Losing, Lost, plan, pool  # pyright: ignore[reportMissingImports]
from disturbed import DisturbedPool
from matching_scenes import CHUNK, SLOW, digits_grammar, propose, scenes  # pyright: ignore[reportMissingImports]
from small_runs import EXPERIMENTS, SMALL

from metasim.bench.same import OF_DATASETS, OF_RUNS, SameBench, contents, differing
from metasim.cli import main
from metasim.dataset.export import Export
from metasim.dataset.verify import verify
from metasim.matching import rounds
from metasim.matching.bank import Bank
from metasim.rendering.cluster.executor import RayExecutor
from metasim.rendering.pool import RenderPool
from metasim.runs.progress import NoProgress

if TYPE_CHECKING:
    from nodes import Nodes

SMALLER = (*SMALL, "matching.effort=0.01", "target.num=30", "verdict.features=[pixels]", "renderer.size=16")
NUM = 60
KILLS = (8, 30)


def digest(folder: Path) -> dict[str, str]:
    """Hash of every file by path, except what was measured."""
    return contents(folder, OF_DATASETS)


def export(run: Path, out: Path, changes: Sequence[str]) -> None:
    what = ["--format", "webdataset", "--num", str(NUM), "--shard-samples", "9"]
    where = ["--set", *changes] if changes else []
    assert main(["export", "--run", str(run), "--out", str(out), *what, *where]) == 0


@pytest.mark.usefixtures("brief_reports")
def test_a_run_and_its_dataset(nodes: Nodes, executor: RayExecutor, tmp_path: Path) -> None:
    bench = SameBench([EXPERIMENTS / "digits_rotation.yaml"], tmp_path, export, SMALLER)
    line, summary = bench.run(nodes.address, NoProgress())
    assert line["different"] == []
    assert summary["same"]
    made = contents(next((tmp_path / "there").glob("*/*")), OF_RUNS)
    assert {"checkpoints/best.pt", "target.npz", "population.npz", "summary.json"} < made.keys()
    assert len([path for path in made if path.startswith("bank/")]) > 3
    assert line["dataset_files"] > NUM // 9
    assert nodes.is_clean()


def test_a_byte_that_differs_is_told(tmp_path: Path) -> None:
    for name, text in (("one", '{"seconds": 1.5, "loss": 0.5}'), ("other", '{"seconds": 2.5, "loss": 0.5}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.jsonl").write_text(text)
        (tmp_path / name / "manifest.json").write_text(name)
    one, other = (contents(tmp_path / name, OF_RUNS) for name in ("one", "other"))
    assert differing(one, other) == []
    (tmp_path / "one" / "metrics.jsonl").write_text(text.replace('loss": 0.5', 'loss": 0.6'))
    (tmp_path / "one" / "bank").write_bytes(b"x")
    assert differing(contents(tmp_path / "one", OF_RUNS), other) == ["bank", "metrics.jsonl"]


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
    """Begun with two workers, gone on with one, ended on this machine."""
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), renderer, tmp_path / "whole").run()
    out = tmp_path / "often"
    for number, workers in enumerate((2, 1)):
        executor = RayExecutor(nodes.address, workers)
        with RenderPool("sprites", executor=executor) as renderer:
            what = Export(plan(NUM), DigitSource(), renderer, out, progress=Losing(15))
            with pytest.raises(Lost):
                what.run(resume=number > 0)
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), renderer, out).run(resume=True)
    assert digest(out) == digest(tmp_path / "whole")
