"""The experiment on a .blend file of one's own: what it binds shows, each attribute by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metasim.config import load_experiment
from metasim.pipeline import Experiment
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "own_blend.yaml"
STEPS = {("mug", "yaw"): 60.0, ("mug", "red"): 0.3, ("lamp", "power"): 6.0}


def moved(graph: SceneGraph, name: str, attribute: str, step: float) -> SceneGraph:
    nodes = [
        replace(node, attributes={**node.attributes, attribute: node.attributes[attribute] + step})
        if node.name == name
        else node
        for node in graph.nodes
    ]
    return SceneGraph(tuple(nodes))


def test_target_and_prior_are_of_one_file_and_far_apart() -> None:
    made = Experiment.prepare(load_experiment(EXPERIMENT))
    assert made.target_grammar is not None
    assert made.config.target.renderer == {}
    rng = np.random.default_rng(0)
    for name, attribute in STEPS:
        prior, target = (
            [grammar.sample(rng).by_name[name].attributes[attribute] for _ in range(300)]
            for grammar in (made.grammar, made.target_grammar)
        )
        spec = made.grammar.schema.spec(name, attribute)
        apart = np.abs(np.sort(prior) - np.sort(target)).mean() / (spec.high - spec.low)
        assert apart > 0.1, attribute


@pytest.mark.blender
def test_each_attribute_shows() -> None:
    made = Experiment.prepare(load_experiment(EXPERIMENT))
    graph = made.grammar.sample(np.random.default_rng(0))
    scenes = [graph, *(moved(graph, *where, step) for where, step in STEPS.items())]
    options = {**made.config.renderer.options, "size": 32, "samples": 16}
    with RenderPool("blender", options, workers=1) as pool:
        frames = pool.render(scenes, frozenset({Pass.HDR, Pass.INSTANCE}), [0] * len(scenes))
    plain, turned, red, bright = (frame for frame in frames if isinstance(frame, Frame))
    mug = np.asarray(plain[Pass.INSTANCE]) == 2
    assert mug.sum() > 50
    assert (np.asarray(turned[Pass.INSTANCE]) != plain[Pass.INSTANCE]).any()
    assert np.array_equal(red[Pass.INSTANCE], plain[Pass.INSTANCE])
    before, dyed, lit = (np.asarray(frame[Pass.HDR], np.float64) for frame in (plain, red, bright))
    assert dyed[mug][:, 0].mean() > 1.2 * before[mug][:, 0].mean()
    assert dyed[mug][:, 2].mean() < 1.05 * before[mug][:, 2].mean()
    assert lit.mean() > 1.2 * before.mean()
