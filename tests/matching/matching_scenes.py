"""Scenes, engines and a bank for tests; also a bank that can be killed while it grows.

usage: python matching_scenes.py FOLDER COUNT
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fault_engine import FaultEngine  # pyright: ignore[reportMissingImports]

from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar
from metasim.matching import rounds
from metasim.matching.bank import Bank, Scenes
from metasim.matching.mixture import Law, Mixture
from metasim.matching.proposal import Proposal, wide_proposal
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import SceneLayout
from renderers.sprites.renderer import SpritesRenderer

CHUNK = 20
FOLDER = Path(__file__).parent
FAULTS = "matching_scenes:PaintedFaults"
SLOW = "matching_scenes:SlowSprites"


def one_normal(width: int) -> Law:
    """A law of one component, for populations whose draws are given."""
    mixture = Mixture(np.ones(1), np.zeros((1, width)), np.eye(width)[None], (), True)
    return Law(mixture, np.zeros(width), np.zeros(width, bool))


def attribute(law: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"range": [0, 1], "mutable": True, "law": law} | spec


def digits_grammar() -> SceneGrammar:
    """A digit of three classes that moves and turns, in a light that is not learnt."""
    place = attribute({"normal": {"mean": 16, "std": 3}}, unit="px", range=[4, 28])
    yaw = attribute({"normal": {"mean": 0, "std": 20}}, unit="deg", range=[0, 360], periodic=True)
    digit = {"loc_x": place, "loc_y": place, "yaw": yaw}
    symbols = {
        "image": {"children": ["digit", "light"]},
        "digit": {"classes": [2, 3, 7], "attributes": digit},
        "light": {"attributes": {"intensity": attribute({"uniform": [0.5, 1]}, mutable=False)}},
    }
    return SceneGrammar.from_mapping({"start": "image", "symbols": symbols})


def faulty_grammar(share: float) -> SceneGrammar:
    """Scenes that say what goes wrong in their engine: NaN for a share of them."""
    root = {
        "classes": {"none": 1 - share, "nan": share},
        "attributes": {"value": attribute({"uniform": [0, 1]})},
    }
    return SceneGrammar.from_mapping({"start": "root", "symbols": {"root": root}})


def scenes(grammar: SceneGrammar, pool: RenderPool, seed: int = 0) -> Scenes:
    return Scenes(grammar, SceneLayout.of(grammar.schema, grammar.sample(stream(0, "layout"))), pool, seed)


def propose(of: Scenes) -> Proposal:
    """The wide proposal of the first round."""
    graphs = [of.grammar.sample(stream(of.seed, "prior", i)) for i in range(200)]
    layout = of.layout
    return wide_proposal(layout.units(graphs), layout.classes(graphs), layout.periodic, layout.class_numbers)


class PaintedFaults(FaultEngine):
    """The engine that fails where a scene says so, seen in colours: value and seed show in every pixel."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(frozenset({Pass.RGB}), (self._size, self._size))

    def _frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        hdr = super()._frame(scene, frozenset({Pass.HDR}), seed)[Pass.HDR]
        if not np.isfinite(hdr).all():
            raise RuntimeError("not finite")
        return Frame({Pass.RGB: np.asarray(127 * hdr, np.uint8)})


class SlowSprites(SpritesRenderer):
    """The sprites engine, slow enough to be killed between two scenes."""

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        time.sleep(0.05 * len(scenes))
        return super().render(scenes, passes, seed)


def grow(folder: Path, count: int, kind: str = "sprites") -> Bank:
    """A bank of one round of digits."""
    with RenderPool(kind) as pool:
        of = scenes(digits_grammar(), pool)
        bank = Bank(folder, of)
        bank.grow(lambda: propose(of), count, lambda _: None)
    return bank


if __name__ == "__main__":
    rounds.CHUNK = CHUNK
    grow(Path(sys.argv[1]), int(sys.argv[2]), SLOW)
