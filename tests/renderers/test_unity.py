"""The Unity engine with stand-ins for its players: the contract, the wire, handedness, several at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from card_renderer import PASSES, SIZE, CardRenderer, card_scene
from standins import ARGUMENTS, HERE, assert_drawn, card_players, players

from metasim.base.errors import InputError
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.contract import Push, check_renderer
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.rendering.registry import check_options
from renderers.unity import player as player_module
from renderers.unity.errors import PlayerProtocolError
from renderers.unity.link import Link
from renderers.unity.renderer import UnityRenderer
from renderers.unity.session import Session
from renderers.unity.standin.renderer import StandInRenderer

GRAMMARS = Path(__file__).parents[2] / "experiments" / "grammars"
SCENES = [card_scene(x % 11, yaw=13.0 * x) for x in range(37)]
RGB = frozenset({Pass.RGB})

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated create function")


@pytest.fixture(autouse=True)
def _no_player_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHONPATH", HERE)
    yield
    assert players() == []


def test_it_keeps_the_contract_with_all_passes() -> None:
    classes = ["scene", "card"]
    check_renderer(lambda: card_players(classes=classes, noisy=True), SCENES[:4], Push("card", "x", 1.0))


def test_it_keeps_the_contract_with_sprites_behind() -> None:
    rng = np.random.default_rng(5)
    grammar = SceneGrammar.from_file(GRAMMARS / "digits/rotation_translation.yaml")
    options = check_options("unity-standin", {"size": 64, "passes": ["rgb", "instance"], "noisy": False})
    scenes = [grammar.sample(rng) for _ in range(4)]
    check_renderer(lambda: StandInRenderer(**options), scenes, Push("digit", "loc_x", 3.0))


@pytest.mark.blender
def test_blender_behind_a_stand_in_gives_the_images_and_ids_that_it_gives_alone() -> None:
    grammar = SceneGrammar.from_file(GRAMMARS / "tyol/multi_8_attr.yaml")
    rng = np.random.default_rng(6)
    scenes, seeds = [grammar.sample(rng) for _ in range(6)], range(6)
    options = {"size": 48, "samples": 1, "classes": list(grammar.schema.class_names)}
    passes = frozenset({Pass.RGB, Pass.INSTANCE, Pass.CLASS, Pass.DEPTH, Pass.NORMAL})
    with RenderPool("blender", options, workers=1) as pool:
        alone = pool.render(scenes, passes, seeds)
    with RenderPool("unity-standin", {"engine": "blender", **options}, workers=1) as pool:
        through = pool.render(scenes, passes, seeds)
    for ours, theirs in zip(through, alone, strict=True):
        assert isinstance(ours, Frame)
        assert isinstance(theirs, Frame)
        for name in (Pass.RGB, Pass.INSTANCE, Pass.CLASS):
            assert ours[name].dtype == theirs[name].dtype
            np.testing.assert_array_equal(ours[name], theirs[name])
        assert len(np.unique(theirs[Pass.INSTANCE])) > 1
        depths = [np.asarray(frame[Pass.DEPTH], np.float64) for frame in (ours, theirs)]
        np.testing.assert_allclose(*depths, atol=1e-5, rtol=0.0)


@pytest.mark.parametrize("workers", [1, 2])
def test_steps_and_players_do_not_show_in_the_frames(workers: int) -> None:
    engine = card_players(workers=workers, slots=16)
    try:
        assert_drawn(engine.render(SCENES, PASSES, 9), SCENES, 9)
        assert len(players()) == workers
        assert engine.render([], PASSES, 0) == []
    finally:
        engine.close()


def test_the_pool_renders_in_steps_and_tells_the_number_of_players() -> None:
    options = {"player": sys.executable, "arguments": ARGUMENTS, "size": SIZE, "noisy": True}
    with RenderPool("unity", options, workers=2) as pool:
        results = pool.render(SCENES[:8], PASSES, range(8))
        assert len(players()) == 2
    assert_drawn([frame for frame in results if isinstance(frame, Frame)], SCENES[:8], 0)


def test_scenes_of_any_seeds_share_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    class Counting(Session):
        def exchange(self, payload: bytes) -> Any:
            steps.append(len(payload))
            return super().exchange(payload)

    monkeypatch.setattr(player_module, "Session", Counting)
    seeds = [int(seed) for seed in np.random.default_rng(0).integers(0, 2**31, 32)]
    options = {"player": sys.executable, "arguments": ARGUMENTS, "size": SIZE, "noisy": True}
    with RenderPool("unity", options, workers=1) as pool:
        results = pool.render(SCENES[:32], PASSES, seeds)
    assert len(steps) == 2
    for scene, seed, result in zip(SCENES, seeds, results, strict=False):
        assert isinstance(result, Frame)
        assert_drawn([result], [scene], seed)


def test_passes_that_follow_from_others_follow() -> None:
    engine = card_players(classes=["scene", "card"])
    try:
        derived = frozenset({Pass.DISTANCE, Pass.POSITION, Pass.CLASS})
        (frame,) = engine.render(SCENES[:1], derived, 0)
        (own,) = CardRenderer().render(SCENES[:1], PASSES, 0)
    finally:
        engine.close()
    seen = own[Pass.INSTANCE] == 2
    assert own.camera is not None
    points = np.asarray(frame[Pass.POSITION], np.float64)[seen]
    np.testing.assert_allclose(points, own.camera.unproject(own[Pass.DEPTH])[seen], atol=1e-5)
    eye = own.camera.world_from_camera[:3, 3]
    distance = np.asarray(frame[Pass.DISTANCE], np.float64)[seen]
    np.testing.assert_allclose(distance, np.linalg.norm(points - eye, axis=-1), rtol=1e-6)
    np.testing.assert_array_equal(frame[Pass.CLASS], np.where(seen, 2, 0))


def test_a_class_that_is_seen_and_has_no_id_is_refused() -> None:
    engine = card_players(classes=["scene"])
    try:
        with pytest.raises(InputError, match=r"renderer\.classes: no card"):
            engine.render(SCENES[:1], frozenset({Pass.CLASS}), 0)
    finally:
        engine.close()


def test_an_editor_that_the_user_starts_is_met_on_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)  # gRPC would ask it for the way to this machine
    port, size = free_port(), f"{SIZE[0]}x{SIZE[1]}"
    engine = UnityRenderer(editor_port=port, size=SIZE)
    assert engine.capabilities.notes == ("press Play in the Unity editor",)
    with editor(port, "--metasim-size", size) as process:
        assert_drawn(engine.render(SCENES, PASSES, 2), SCENES, 2)
        engine.close()
        assert process.wait(timeout=30) == 0, "it was told to quit"


def test_an_editor_whose_inspector_differs_ends_the_run_with_the_reason() -> None:
    port = free_port()
    engine = UnityRenderer(editor_port=port, size=SIZE)
    with editor(port, "--metasim-size", "20x16"):
        with pytest.raises(PlayerProtocolError, match=r"PNG \(20, 16, 3\), not PNG \(12, 16, 3\)") as caught:
            engine.render(SCENES, PASSES, 2)
        assert caught.value.lasting
        engine.close()


@contextmanager
def editor(port: int, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A player that somebody else has started."""
    command = [sys.executable, *ARGUMENTS, "--mlagents-port", str(port), *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        yield process
        process.wait(timeout=30)


def free_port() -> int:
    link = Link()
    link.close()
    return link.port


def test_a_player_that_was_made_for_other_passes_is_told_of() -> None:
    engine = UnityRenderer(Path(sys.executable), [*ARGUMENTS], size=SIZE, passes=("rgb", "depth"), restarts=0)
    engine._passes |= {Pass.NORMAL}  # as if the inspector of an editor had fewer than the experiment
    try:
        with pytest.raises(PlayerProtocolError, match="no observation normal, only depth, rgb, slot"):
            engine.render(SCENES[:1], frozenset({Pass.NORMAL}), 0)
    finally:
        engine.close()


def test_passes_without_colour_are_refused() -> None:
    with pytest.raises(InputError, match=r"renderer\.passes: depth; expected rgb among them"):
        UnityRenderer(Path(sys.executable), passes=("depth",))
