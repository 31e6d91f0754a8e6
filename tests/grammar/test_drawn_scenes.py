"""Scenes of a seed are what they were when this was written, so that runs can be repeated."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar

GRAMMARS = Path(__file__).parents[2] / "experiments" / "grammars"
DIGESTS = {
    "tyol/multi_8_attr.yaml": "68141180d7b9db06",
    "tyol/multi_8_attr_bimodal_target.yaml": "c830bedb017eb54d",
    "objects/clutter.yaml": "c98db0f8f5ef2643",
    "digits/five.yaml": "b76af6c80dd4d95f",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_scenes_of_a_seed_stay(name: str) -> None:
    grammar = SceneGrammar.from_file(GRAMMARS / name)
    digest = hashlib.sha256()
    for index in range(100):
        for node in grammar.sample(stream(7, "scenes", index)).nodes:
            values = {key: f"{value:.9g}" for key, value in node.attributes.items()}
            digest.update(json.dumps([node.name, node.cls, node.parent, values]).encode())
    assert digest.hexdigest()[:16] == DIGESTS[name]
