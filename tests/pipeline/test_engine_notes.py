"""Notes on the engine: an attribute by which it draws nothing is told before anything is learnt."""

from __future__ import annotations

import re

from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar
from metasim.pipeline.engine import engine_notes
from metasim.rendering.pool import RenderPool
from metasim.scene.layout import SceneLayout


def notes(name: str) -> list[str]:
    """Of a digit with one attribute, whose symbol is not the engine's own word."""
    turn = {"range": [0, 360], "periodic": True, "mutable": True, "law": {"uniform": [0, 360]}}
    digit = {"classes": [2, 3], "attributes": {name: turn}}
    symbols = {"image": {"children": ["digit_two"]}, "digit_two": digit}
    grammar = SceneGrammar.from_mapping({"start": "image", "symbols": symbols})
    layout = SceneLayout.of(grammar.schema, grammar.sample(stream(0, "layout")))
    with RenderPool("sprites", {"size": 32}) as pool:
        return engine_notes(pool, layout)


def test_an_attribute_that_is_not_drawn_is_told() -> None:
    assert notes("yaw") == []
    (line,) = notes("yaww")
    assert re.fullmatch(r"nothing is drawn by digit_two\.yaww; expected .*'yaw' perhaps.*", line)
