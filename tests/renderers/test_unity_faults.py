"""Players that die, hang, lie or stay: the batch is completed or the error is the named one, none is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from card_renderer import PASSES, SIZE, card_scene
from standins import ARGUMENTS, HERE, PROGRAM, assert_drawn, card_players, players

from metasim.base.errors import InputError, MetasimError
from metasim.base.processes import running
from metasim.rendering.attempt import SceneFailure, attempt
from metasim.rendering.protocol import Frame, Pass
from renderers.unity import player as player_module
from renderers.unity.errors import (
    PlayerCrashed,
    PlayerFailure,
    PlayerProtocolError,
    PlayerTimeout,
    PlayerUnavailable,
    SceneRejected,
)
from renderers.unity.renderer import UnityRenderer
from renderers.unity.standin.faults import IN_ANSWER, IN_REPLY

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated create function")

SCENES = [card_scene(x, yaw=20.0 * x) for x in range(4)]
RGB = frozenset({Pass.RGB})
LOST = ("exit_at_start", "die_in_handshake", "die@1", "segv@2", "hang@2")
LIES = tuple(f"{name}@1" for name in (*IN_ANSWER, *IN_REPLY) if name != "stale")


@pytest.fixture(autouse=True)
def _no_player_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHONPATH", HERE)
    monkeypatch.setattr(player_module, "FIRST_PAUSE", 0.01)
    yield
    assert players() == []


@pytest.mark.parametrize("fault", [*LOST, *LIES])
def test_the_next_life_of_a_player_completes_the_batch(fault: str, tmp_path: Path) -> None:
    hangs = {"step_timeout_s": 3.0} if fault.startswith("hang") else {}
    engine = card_players("--fault", fault, "--once", str(tmp_path / "lived"), **hangs)
    try:
        for _ in range(2):
            assert_drawn(engine.render(SCENES, PASSES, 5), SCENES, 5)
    finally:
        engine.close()


def test_a_stale_frame_is_asked_for_again_without_a_restart() -> None:
    engine = card_players("--fault", "stale@2", restarts=0)
    try:
        for seed in (5, 6, 7):
            assert_drawn(engine.render(SCENES, PASSES, seed), SCENES, seed)
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        (["--fault", "exit_at_start"], PlayerCrashed, "left with status 7: no licence"),
        (["--fault", "never_connect"], PlayerTimeout, "no word of the player for 0.7 s"),
        (["--fault", "hang_in_handshake"], PlayerTimeout, "no word of the player for 3 s"),
        (["--api", "2.0.0"], PlayerProtocolError, "version 2.0.0"),
        (["--api", "0.15.0"], PlayerProtocolError, "version 0.15.0"),
        (["--fault", "stale@1+"], PlayerProtocolError, "stale"),
        (["--fault", "segv@1+"], PlayerCrashed, "SIGSEGV"),
        (["--fault", "error_reply@1+"], PlayerProtocolError, "could not read the batch: cannot read"),
    ],
)
def test_a_player_that_never_works_is_the_named_error(
    words: list[str], error: type[PlayerFailure], text: str
) -> None:
    patience = {"never_connect": 0.7, "hang_in_handshake": 3.0}.get(words[1], 60.0)
    engine = card_players(*words, start_timeout_s=patience, restarts=1)
    try:
        with pytest.raises(error, match=text) as caught:
            engine.render(SCENES[:1], PASSES, 0)
        assert "\n" not in str(caught.value)
        assert caught.value.lasting, "the pool must not try each scene again"
    finally:
        engine.close()


@pytest.mark.parametrize("version", ["1.0.0", "1.6.0"])
def test_players_of_all_minor_versions_are_taken(version: str) -> None:
    engine = card_players("--api", version, restarts=0)
    try:
        assert_drawn(engine.render(SCENES, PASSES, 0), SCENES, 0)
    finally:
        engine.close()


def test_one_that_will_not_quit_is_killed() -> None:
    engine = card_players("--fault", "ignore_quit", quit_timeout_s=0.2)
    assert_drawn(engine.render(SCENES, PASSES, 0), SCENES, 0)
    engine.close()
    assert players() == []


def test_the_scene_that_ends_its_player_is_found_and_the_others_are_kept() -> None:
    scenes = [card_scene(x, "poison" if x == 2 else "card") for x in range(4)]
    engine = card_players("--poison", "poison")
    try:
        with pytest.raises(PlayerCrashed, match="scene 2: the player left with status 9") as caught:
            engine.render(scenes, RGB, 0)
        assert not caught.value.lasting
        for index, result in enumerate(caught.value.results):
            if index != 2:
                assert isinstance(result, Frame)
                assert_drawn([result], [scenes[index]], index)
        assert "status 9" in str(caught.value.results[2])
    finally:
        engine.close()


def test_the_pool_gives_up_that_scene_alone_and_tries_it_no_more() -> None:
    calls = 0

    class Counting(UnityRenderer):
        def render_batch(self, *args, **kwargs):
            nonlocal calls
            calls += 1
            return super().render_batch(*args, **kwargs)

    engine = Counting(Path(sys.executable), [*ARGUMENTS, "--poison", "poison"], size=SIZE)
    try:
        results = attempt(engine, [card_scene(1), card_scene(2, "poison")], RGB, [0, 1])
    finally:
        engine.close()
    assert isinstance(results[0], Frame)
    assert results[0].cost is not None
    assert isinstance(results[1], SceneFailure)
    assert calls == 1


def test_restarts_are_counted_over_the_whole_run() -> None:
    engine = card_players("--poison", "poison", restarts=4)
    try:
        with pytest.raises(PlayerCrashed):
            engine.render([card_scene(1, "poison")], RGB, 0)
        with pytest.raises(PlayerCrashed) as caught:
            engine.render([card_scene(1, "poison")], RGB, 0)
        assert not caught.value.lasting
        with pytest.raises(PlayerCrashed, match="too many restarts") as caught:
            engine.render([card_scene(1, "poison")], RGB, 0)
        assert caught.value.lasting
    finally:
        engine.close()


def test_a_scene_that_the_player_refuses_is_the_users_to_mend() -> None:
    engine = card_players(restarts=0)
    try:
        with pytest.raises(SceneRejected, match="scene 3: scene graph: node card: class joker"):
            engine.render([*SCENES[:3], card_scene(1, "joker")], RGB, 0)
        assert_drawn(engine.render(SCENES, PASSES, 0), SCENES, 0)
    finally:
        engine.close()


@pytest.mark.parametrize("address", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_that_is_taken_is_told(address: tuple[socket.AddressFamily, str]) -> None:
    family, host = address
    with socket.socket(family) as other:
        try:
            other.bind((host, 0))
        except OSError:
            pytest.skip(f"no {host} here")
        other.listen()
        port = other.getsockname()[1]
        engine = UnityRenderer(editor_port=port)
        with pytest.raises(PlayerUnavailable, match=f"port {port}: taken"):
            engine.render(SCENES, RGB, 0)
        engine.close()


def test_without_a_player_one_line_says_how_to_get_one(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no program")
    for player in (None, tmp_path / "absent", text):
        with pytest.raises(PlayerUnavailable) as caught:
            UnityRenderer(player)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_status == 2
    with pytest.raises(PlayerUnavailable, match=r"renderers/unity/project .*renderer\.player=PATH"):
        UnityRenderer()


def test_a_batch_that_gRPC_in_a_player_would_not_take_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = card_players()
    try:
        monkeypatch.setattr(player_module, "LARGEST", 500)
        assert_drawn(engine.render(SCENES, PASSES, 0), SCENES, 0)
        monkeypatch.setattr(player_module, "LARGEST", 20)
        with pytest.raises(InputError, match=r"scene 0: .* MiB when packed"):
            engine.render(SCENES, PASSES, 0)
    finally:
        engine.close()


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
from card_renderer import card_scene
from standins import card_players
from metasim.rendering.protocol import Pass
engine = card_players("--fault", {fault!r})
for turn in range(2):
    engine.render([card_scene(1)], frozenset({{Pass.RGB}}), 0)
    print("rendered", flush=True)
sys.stdin.read()
"""


def script(fault: str) -> subprocess.Popen[str]:
    """A program that renders twice and ends once its input is closed, and not before."""
    words = [sys.executable, "-c", SCRIPT.format(here=HERE, fault=fault)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def player_of(parent: subprocess.Popen[str]) -> psutil.Process:
    """The player that a program has started, as soon as it has."""
    while parent.poll() is None:
        if found := running(PROGRAM, parent.pid):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"the program ended with status {parent.returncode} and had no player")


@pytest.mark.parametrize("fault", ["never_connect", "hang@2", "ignore_quit", ""])
def test_a_parent_that_is_killed_leaves_no_player(fault: str) -> None:
    parent = script(fault)
    assert parent.stdout is not None
    if fault != "never_connect":
        assert parent.stdout.readline() == "rendered\n"
    child = player_of(parent)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    child.wait(timeout=30)


def test_a_program_that_closes_nothing_still_ends_and_leaves_no_player() -> None:
    parent = script("ignore_quit")
    output, _ = parent.communicate(timeout=60)
    assert output == "rendered\nrendered\n"
    assert parent.returncode == 0


def test_an_engine_that_is_closed_ends_a_player_in_the_middle_of_a_step() -> None:
    engine = card_players("--fault", "hang@1")
    errors: list[BaseException] = []

    def render() -> None:
        try:
            engine.render(SCENES, RGB, 0)
        except MetasimError as error:
            errors.append(error)

    thread = threading.Thread(target=render)
    thread.start()
    while not players():
        time.sleep(0.05)
    engine.close()
    thread.join(timeout=30)
    assert len(errors) == 1
    with pytest.raises(MetasimError, match="closed"):
        engine.render(SCENES, RGB, 0)
