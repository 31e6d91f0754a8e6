"""The folder that builds of the earlier project read and fill: pairing, and the form of its graphs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from card_renderer import SIZE
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.grammar.grammar import SceneGrammar
from renderers.unity.exchange import DONE, GRAPHS, SNAPSHOTS, WORD, Exchange
from renderers.unity.nodelink import from_node_link, to_node_link
from renderers.unity.png import encode_png

GRAMMARS = Path(__file__).parents[3] / "experiments" / "grammars"


@settings(max_examples=25)
@given(st.permutations(range(12)), st.booleans())
def test_pictures_are_paired_by_index_however_they_come(order: list[int], padded: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, exchange = Path(name), Exchange(Path(name))
        exchange.put([{"graph": index} for index in range(12)])
        assert json.loads((folder / GRAPHS / "ggraph_000007_12.json").read_text()) == {"graph": 7}
        for taken in (folder / GRAPHS).iterdir():
            taken.unlink()
        for index in order:
            assert exchange.lacking(12) != ""
            stem = f"{index:06d}" if padded else f"ggraph_{index}_12"
            (folder / SNAPSHOTS / f"{stem}.png").write_bytes(encode_png(np.full((*SIZE, 3), index, np.uint8)))
            (folder / SNAPSHOTS / f"{stem}.json").write_text(json.dumps({"index": index}))
        for place in (SNAPSHOTS, DONE):
            assert f"text file in {place}" in exchange.lacking(12)
            (folder / place / "Done.txt").write_text(WORD)
        assert exchange.lacking(12) == ""
        assert [snapshot.annotation["index"] for snapshot in exchange.take(12)] == list(range(12))
        exchange.clear()
        assert not [path for path in folder.rglob("*") if path.is_file()]
        exchange.close()


@pytest.mark.parametrize("name", ["digits/five.yaml", "tyol/multi_8_attr.yaml"])
def test_graphs_go_there_and_back(name: str) -> None:
    scene = SceneGrammar.from_file(GRAMMARS / name).sample(np.random.default_rng(2))
    data = json.loads(json.dumps(to_node_link(scene)))
    back = from_node_link(data)
    assert [(n.name, n.symbol, n.cls, n.parent, n.attributes) for n in back.nodes] == [
        (n.name, n.symbol, n.cls, n.parent, n.attributes) for n in scene.nodes
    ]
    assert [node["attr"]["immutable"] for node in data["nodes"]] == [not node.mutable for node in scene.nodes]
