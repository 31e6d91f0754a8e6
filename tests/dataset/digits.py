"""A source of digit scenes for tests, runnable as an export that can be killed.

usage: python digits.py OUT NUM [resume]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from metasim.base.streams import stream
from metasim.dataset.export import Export
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sample import Origin
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.runs.progress import NoProgress
from metasim.scene.attribute import AttributeSpec
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.scene.schema import SceneSchema, SymbolSpec
from renderers.sprites.renderer import SpritesRenderer

DIGITS = tuple("0123456789")
PLACE = (AttributeSpec("loc_x", "px", 0, 32, mutable=True), AttributeSpec("loc_y", "px", 0, 32, mutable=True))
SCHEMA = SceneSchema((SymbolSpec("scene", ("scene",)), SymbolSpec("digit", DIGITS, PLACE)))
ORIGIN = Origin("digits/0", "c" * 64, "")
SPLIT = {"train": 0.6, "val": 0.2, "test": 0.2}
LABELS = (Modality.RGB, Modality.INSTANCE, Modality.SEMANTIC, Modality.MASK, Modality.BBOX)


@dataclass(frozen=True)
class DigitSource:
    """One to three digits, anywhere on the canvas.

    Attributes:
        seed: Root seed.
    """

    seed: int = 0
    schema: SceneSchema = SCHEMA
    origin: Origin = ORIGIN

    def scene(self, index: int) -> SceneGraph:
        rng = stream(self.seed, "test/digits", index)
        digits = [
            SceneNode(
                name="digit" if number == 0 else f"digit_{number + 1}",
                symbol="digit",
                cls=str(rng.choice(DIGITS)),
                parent=0,
                attributes={"loc_x": rng.uniform(4, 28), "loc_y": rng.beta(2, 5) * 24 + 4},
                mutable=frozenset({"loc_x", "loc_y"}),
            )
            for number in range(rng.integers(1, 4))
        ]
        return SceneGraph((SceneNode("scene", "scene", "scene", None, {}), *digits))


def plan(num: int, seed: int = 0, **changes: object) -> ExportPlan:
    """A plan of small parts."""
    fields = {
        "format": "webdataset",
        "modalities": LABELS,
        "split": SPLIT,
        "size": (32, 32),
        "part_samples": 7,
    }
    return ExportPlan(num=num, seed=seed, **(fields | changes))  # pyright: ignore[reportArgumentType]


class DistantSprites(SpritesRenderer):
    """The sprites engine as one that must run in worker processes, and that finishes scenes out of order."""

    in_process = False

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, in_process=False)

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        time.sleep(seed % 5 * 0.01)
        return super().render(scenes, passes, seed)


class SluggishSprites(DistantSprites):
    """The same, slow with the scene whose seed is 1 and quick with all others."""

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        time.sleep(2.0 if seed == 1 else 0.0)
        return super().render(scenes, passes, seed * 5)


class Lost(Exception):
    """The process that wrote a dataset is gone."""


class Losing(NoProgress):
    """Ends what writes a dataset after a number of scenes."""

    def __init__(self, after: int) -> None:
        self._left = after

    def advance(self, steps: int = 1, **values: float) -> None:
        self._left -= steps
        if self._left == 0:
            raise Lost


def pool(kind: str = "sprites", workers: int = 1) -> RenderPool:
    """The sprites engine."""
    return RenderPool(kind, {}, workers=workers)


def export(
    out: Path, num: int, resume: bool = False, seed: int = 0, part_samples: int = 7
) -> dict[str, object]:
    """Exports digits."""
    with pool() as renderer:
        what = plan(num, seed, part_samples=part_samples)
        return Export(what, DigitSource(seed), renderer, out).run(resume)


if __name__ == "__main__":
    export(Path(sys.argv[1]), int(sys.argv[2]), resume="resume" in sys.argv)
