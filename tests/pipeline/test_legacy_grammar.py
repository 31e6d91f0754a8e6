"""An experiment whose grammar is in the original JSON format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from metasim.base.streams import stream
from metasim.config import load_experiment
from metasim.pipeline import Experiment
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass

ORIGINAL = Path(__file__).parents[1] / "grammar" / "data" / "digits.json"


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """The original grammar, and a target turned a quarter; both as JSON files beside the experiment."""
    tree = json.loads(ORIGINAL.read_text())
    (tmp_path / "prior.json").write_text(json.dumps(tree))
    tree["child"][1]["child"][0]["attributes"]["yaw"] = ["Gaussian", 90, 10, 360]
    (tmp_path / "target.json").write_text(json.dumps(tree))
    file = tmp_path / "digits.yaml"
    content = {"grammar": "prior.json", "target": {"grammar": "target.json"}, "renderer": {"kind": "sprites"}}
    file.write_text(yaml.safe_dump(content))
    return Experiment.prepare(load_experiment(file))


def test_nodes_and_classes_are_the_originals(experiment: Experiment) -> None:
    assert experiment.layout.node_names == ("Image", "Scene", "object", "Background")
    assert experiment.layout.names == ("object.loc_x", "object.yaw")
    (choice,) = experiment.layout.choices
    assert (choice.node, choice.classes) == ("object", tuple("0123456789"))


def test_the_sprites_engine_draws_its_digits(experiment: Experiment) -> None:
    assert experiment.target_grammar is not None
    with RenderPool("sprites", experiment.config.renderer.options) as pool:
        for grammar in (experiment.grammar, experiment.target_grammar):
            graphs = [grammar.sample(stream(0, "look", i)) for i in range(8)]
            frames = pool.render(graphs, frozenset({Pass.RGB, Pass.INSTANCE}), [0] * 8)
            for graph, frame in zip(graphs, frames, strict=True):
                assert isinstance(frame, Frame)
                seen = set(np.unique(frame[Pass.INSTANCE])) - {0}
                assert seen == {graph.index("object") + 1}  # the other nodes draw nothing
                assert np.asarray(frame[Pass.RGB]).std() > 0
