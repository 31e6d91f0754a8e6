"""A whole run on scenes of varying nodes: train, judge, interrupt, resume, export, all by the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import EXPERIMENTS, SMALL, told, train

from metasim.cli import main
from metasim.dataset.formats.webdataset import WebDatasetFormat
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.generator import Generator
from metasim.matching.refinement import OURS
from metasim.matching.safeguard import PROOF
from metasim.matching.structure import trainer
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder
from metasim.runs.metrics import read_metrics

EXPERIMENT = EXPERIMENTS / "multi_digits.yaml"
SMALLER = (*SMALL, "matching.renders=120")


def folder(out: Path) -> RunFolder:
    return RunFolder(out / "multi_digits" / "0")


def summary(out: Path) -> dict[str, Any]:
    """All of a summary but the clocks."""
    read = json.loads(folder(out).summary.read_text())
    return {key: value for key, value in read.items() if not key.endswith("_seconds")}


@pytest.fixture(scope="module", autouse=True)
def _few_scenes(brief_reports: None) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "SHOWN", 8)
        patch.setattr(trainer, "PRIOR_SCENES", 64)
        patch.setattr(trainer, "TRANSFER_SCENES", 64)
        patch.setattr(trainer, "DERIVATIONS", 400)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    assert main(["train", "--exp", str(EXPERIMENT), "--out", str(out), *told(SMALLER)]) == 0
    return out


def test_the_summary_tells_numbers_classes_and_their_distances(run: Path) -> None:
    told = summary(run)
    assert told["renders"] == 120
    assert set(told["variations"]) == {"digit/count", "digit/class"}
    assert set(told["attributes"]) == {"digit.loc_x", "digit.loc_y", "digit.yaw"}
    assert set(told["counts"]["digit"]) <= set("12345")
    assert folder(run).report.exists()


def test_what_is_exported_is_what_the_policy_derives(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    arguments = ["--format", "webdataset", "--num", "12", "--modalities", "rgb", "--out", str(out)]
    assert main(["export", "--run", str(folder(run).path), *arguments]) == 0
    samples = {sample.provenance.index: sample.graph for sample in WebDatasetFormat().read(out)}
    generator = Generator.load(folder(run).checkpoints / "best.pt")
    assert generator.policy is not None
    assert [samples[i] for i in range(12)] == [generator.scene(i, "export") for i in range(12)]
    prior = SceneGrammar.from_file(EXPERIMENT.parent / "grammars/digits/multi.yaml")
    scenes = generator.scenes(60, "test")
    assert all(np.isfinite(prior.log_prob(scene)) for scene in scenes)
    assert len({len(scene.nodes) for scene in scenes}) > 1


@pytest.mark.parametrize("stage", ["transfer"])
def test_an_interrupted_run_ends_like_one_that_nobody_disturbed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def stopped(_: trainer.StructureTrainer) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer.StructureTrainer, stage, stopped)
        with pytest.raises(KeyboardInterrupt):
            train("multi_digits", tmp_path, SMALLER)
    assert not folder(tmp_path).summary.exists()
    train("multi_digits", tmp_path, SMALLER, resume=True)
    assert summary(tmp_path) == summary(run)


def test_a_refinement_is_logged_and_its_renders_count(run: Path, tmp_path: Path) -> None:
    """It begins at a start that has hardly learnt, so that images are told from renders."""
    images, steps = 480, 2
    more = f"target.num={images}", "matching.refine=score", f"matching.refine_steps={steps}"
    refined = train("multi_digits", tmp_path, (*SMALLER, *more))
    lines = [line for line in read_metrics(refined.metrics) if line["stage"] == "refine"]
    assert [line["step"] for line in lines] == list(range(steps))
    proofs = 2 * round(images / 2 * PROOF)
    assert summary(tmp_path)["renders"] == summary(run)["renders"] + steps * OURS.batch + proofs
    state = load_checkpoint(refined.checkpoints / "last.pt")
    generator = Generator.load(refined.checkpoints / "best.pt")
    assert generator.policy is not None
    for kept, made in ((state["policy"], generator.policy), (state["network"], generator.network)):
        assert all(torch.equal(kept[name], weights) for name, weights in made.state_dict().items())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("matching.refine=differences", "matching.refine: differences; expected off or score where"),
        ("matching.bank=reuse", "matching.bank: reuse; expected own"),
        ("target.grammar.symbols.digit.classes={0: 1, x: 1}", "class x"),
        ("target.grammar.symbols.image.children=[{symbol: digit, count: 7}]", "scenes of 7 digit"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, told: str
) -> None:
    whole = SceneGrammar.from_file(EXPERIMENT.parent / "grammars/digits/multi_target.yaml").to_mapping()
    changes = ["--set", f"target.grammar={json.dumps(whole)}", "--set", change]
    assert main(["train", "--exp", str(EXPERIMENT), "--out", str(tmp_path), *changes]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
