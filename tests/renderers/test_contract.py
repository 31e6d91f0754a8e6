"""The renderer protocol, kept by every engine; and engines that break it are found out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metasim.base.errors import InputError, MetasimError
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.contract import Push, check_renderer
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Capabilities, Frame, Pass, Renderer
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.sprites.renderer import SpritesRenderer

GRAMMARS = Path(__file__).parents[2] / "experiments" / "grammars"
PASSES = frozenset({Pass.RGB, Pass.INSTANCE, Pass.CLASS})


class Pooled:
    """An engine in a worker process of its own, as an engine: some allow one a process only."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        self._pool = RenderPool(kind, options, workers=1)

    @property
    def capabilities(self) -> Capabilities:
        return self._pool.capabilities

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        results = self._pool.render(scenes, passes, range(seed, seed + len(scenes)))
        return [result for result in results if isinstance(result, Frame)]

    def close(self) -> None:
        self._pool.close()


def sampled(grammar: str, number: int) -> list[SceneGraph]:
    rng = np.random.default_rng(5)
    scene_grammar = SceneGrammar.from_file(GRAMMARS / grammar)
    return [scene_grammar.sample(rng) for _ in range(number)]


@pytest.mark.parametrize("name", ["rotation_translation", "rotation_translation_target", "bimodal_target"])
def test_sprites_keep_the_contract(name: str) -> None:
    scenes = sampled(f"digits/{name}.yaml", 7)
    check_renderer(lambda: SpritesRenderer(64), scenes, Push("digit", "loc_x", 3.0))


def test_sprites_keep_the_contract_with_many_digits() -> None:
    scenes = sampled("digits/five.yaml", 3) + sampled("digits/five_target.yaml", 3)
    check_renderer(lambda: SpritesRenderer(64), scenes, Push("digit_seven", "loc_x", 1.0))


def test_sprites_in_a_pool_keep_the_contract() -> None:
    check_renderer(lambda: Pooled("sprites", {"size": 32}), sampled("digits/rotation.yaml", 4))


@pytest.mark.blender
def test_blender_keeps_the_contract() -> None:
    classes = ["image", "scene", "camera", "light", "table", "shoe", "mug", "basket", "bowl", "lunch_box"]
    options = {"scene": "tyol", "size": [32, 40], "samples": 1, "classes": classes}
    push = Push("object", "loc_x", 0.2)
    check_renderer(lambda: Pooled("blender", options), sampled("tyol/multi_3_attr.yaml", 3), push)


class Painter:
    """A small engine that keeps the contract: a square for its one node, a colour by seed."""

    passes = PASSES
    number = count()

    def __init__(self) -> None:
        self.calls = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.passes, (20, 30))

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        if passes - self.passes:
            raise InputError("passes", str(sorted(passes - self.passes)), "rgb or ids")
        self.calls += 1
        return [self.frame(scene, passes, seed + i) for i, scene in enumerate(scenes)]

    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        x, y = (int(scene.nodes[1].attributes[name]) for name in ("x", "y"))
        mask = np.zeros((20, 30), bool)
        mask[y : y + 4, x : x + 4] = True
        images = {
            Pass.RGB: np.repeat((mask * (seed % 100 + 100)).astype(np.uint8)[..., None], 3, -1),
            Pass.INSTANCE: mask.astype(np.int32) * 2,
            Pass.CLASS: mask.astype(np.int32),
        }
        return Frame({name: images[name] for name in passes})

    def close(self) -> None: ...


def square_scenes() -> list[SceneGraph]:
    root = SceneNode("image", "image", "image", None, {})
    places = ((2, 3), (9, 5), (17, 11), (12, 1))
    return [SceneGraph((root, SceneNode("box", "box", "box", 0, {"x": x, "y": y}))) for x, y in places]


class Doubles(Painter):
    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        images = super().frame(scene, passes, seed).passes
        return Frame({name: image.astype(np.float64) for name, image in images.items()})


class Flat(Painter):
    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        return Frame({name: image[:-1] for name, image in super().frame(scene, passes, seed).passes.items()})


class Noisy(Painter):
    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.passes, (20, 30), noiseless=True)


class Forgets(Painter):
    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        return super().frame(scene, passes - {Pass.CLASS}, seed)


class Silent(Painter):
    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        return super().render(scenes, passes & self.passes, seed)


class SharesSeed(Painter):
    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        return [super(SharesSeed, self).render([scene], passes, seed)[0] for scene in scenes]


class Drifts(Painter):
    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        return super().frame(scene, passes, seed + self.calls)


class EachOther(Painter):
    def __init__(self) -> None:
        super().__init__()
        self.shift = next(self.number)

    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        return super().frame(scene, passes, seed + self.shift)


class Mirrored(Painter):
    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        images = super().frame(scene, passes, seed).passes
        return Frame({name: np.ascontiguousarray(image[:, ::-1]) for name, image in images.items()})


class StrangeIds(Painter):
    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        images = dict(super().frame(scene, passes, seed).passes)
        if Pass.INSTANCE in images:
            images[Pass.INSTANCE] = np.asarray(images[Pass.INSTANCE], np.int32) + np.int32(2)
        return Frame(images)


class Holes(Painter):
    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        images = dict(super().frame(scene, passes, seed).passes)
        if Pass.CLASS in images:
            images[Pass.CLASS] = np.zeros_like(images[Pass.CLASS])
        return Frame(images)


class Hoards(Painter):
    def __init__(self) -> None:
        super().__init__()
        self.hoard: list[np.ndarray] = []

    def frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        self.hoard.append(np.ones(2**20))
        return super().frame(scene, passes, seed)


class ClosesOnce(Painter):
    def close(self) -> None:
        if self.calls < 0:
            raise MetasimError("closed already")
        self.calls = -1


def test_a_small_engine_keeps_the_contract() -> None:
    check_renderer(Painter, square_scenes(), Push("box", "x", 2))


@pytest.mark.parametrize(
    ("engine", "rule"),
    [
        (Doubles, "float64, expected"),
        (Flat, r"shape \(19, 30"),
        (Forgets, "claims class but left it out"),
        (Silent, "no InputError"),
        (SharesSeed, "alone and in a batch"),
        (Drifts, "alone"),
        (EachOther, "two engines made alike"),
        (Noisy, "though noiseless"),
        (Mirrored, "not greater"),
        (StrangeIds, "name no node"),
        (Holes, "another background"),
        (Hoards, "memory"),
        (ClosesOnce, "closed already"),
    ],
)
def test_engines_that_break_a_rule_are_found_out(engine: Callable[[], Renderer], rule: str) -> None:
    with pytest.raises(MetasimError, match=rule):
        check_renderer(engine, square_scenes(), Push("box", "x", 2))


def test_too_few_scenes_to_compare_are_refused() -> None:
    with pytest.raises(ValueError, match="three"):
        check_renderer(Painter, square_scenes()[:2])
