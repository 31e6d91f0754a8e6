from __future__ import annotations

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from metasim.base.files import read_yaml
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.generator import Generator
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.report.run_data import load_run
from metasim.report.tensorboard import write_tensorboard
from metasim.runs.folder import RunFolder

LARGEST = 500_000


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"histograms": 0})
    found.Reload()
    return found


def give_generator(folder: RunFolder) -> None:
    grammar = SceneGrammar.from_mapping(read_yaml(folder.config)["grammar"])
    Generator(grammar, AttributeNetwork(grammar.schema), 0).save(folder.checkpoints / "best.pt")


def test_the_end_of_a_run_stands_beside_its_course(make_run) -> None:
    folder = make_run()
    give_generator(folder)
    for _ in range(2):  # the second time it is written anew
        write_tensorboard(load_run(folder))
    report, target = events(folder.tensorboard / "report"), events(folder.tensorboard / "target")
    summary = json.loads(folder.summary.read_text())
    (text,) = report.Tensors("verdict/text_summary")
    assert f"p = {summary['verdict']['p_value']:.3f}" in text.tensor_proto.string_val[0].decode()
    assert report.Scalars("result/c2st")[0].value == pytest.approx(summary["verdict"]["c2st"])
    assert report.Tags()["graph"]
    assert "_hparams_/session_start_info" in report.summary_metadata
    for name in summary["attributes"]:
        (drawn,) = report.Histograms(f"attributes/{name}")
        assert drawn.histogram_value.num == 300
        steps = [event.step for event in target.Histograms(f"attributes/{name}")]
        assert steps == [0, 1, 2]
    for found in (report, target):
        assert len(found.Images("images")) == 1
    size = sum(path.stat().st_size for path in folder.tensorboard.rglob("events*"))
    assert size < LARGEST


def test_a_run_in_the_middle_has_no_verdict_there(make_run) -> None:
    folder = make_run(finished=False)
    write_tensorboard(load_run(folder))
    tags = events(folder.tensorboard / "report").Tags()
    assert tags["tensors"] == []
    assert not tags["graph"]
