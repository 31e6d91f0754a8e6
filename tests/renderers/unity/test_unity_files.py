"""The engine that exchanges files with builds of the earlier project: faults, pairing, what is touched."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from card_renderer import SIZE, CardRenderer, card_scene

from metasim.base.errors import InputError, MetasimError
from metasim.base.processes import running
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.contract import check_renderer
from metasim.rendering.protocol import Frame, Pass
from metasim.rendering.registry import check_options, engine
from metasim.scene.graph import SceneGraph
from renderers.unity.errors import (
    PlayerCrashed,
    PlayerFailure,
    PlayerProtocolError,
    PlayerTimeout,
    PlayerUnavailable,
)
from renderers.unity.exchange import GRAPHS, WORD, Exchange
from renderers.unity.files import UnityFilesRenderer

HERE = str(Path(__file__).parents[1])
GRAMMARS = Path(__file__).parents[3] / "experiments" / "grammars"
PROGRAM = "renderers.unity.standin.files"
RGB = frozenset({Pass.RGB})
SCENES = [card_scene(x, yaw=20.0 * x) for x in range(11)]


@pytest.fixture(autouse=True)
def _no_player_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHONPATH", HERE)
    yield
    assert players() == []


def players() -> list[int]:
    """Ids of the stand-ins that run anywhere below this process."""
    return [player.pid for player in running(PROGRAM)]


def cards(folder: Path, *arguments: str, **options: Any) -> UnityFilesRenderer:
    """An engine whose stand-in draws cards."""
    folder.mkdir(exist_ok=True)
    command = ["-m", PROGRAM, str(folder), "--engine", "card_renderer:CardRenderer", *arguments]
    return UnityFilesRenderer(folder, Path(sys.executable), command, **{"size": SIZE, **options})


def assert_drawn(frames: Sequence[Frame], scenes: Sequence[SceneGraph]) -> None:
    """The frames are those of the scenes, each in its place."""
    assert len(frames) == len(scenes)
    for frame, scene in zip(frames, scenes, strict=True):
        (own,) = CardRenderer().render([scene], RGB, 0)
        np.testing.assert_array_equal(frame[Pass.RGB], own[Pass.RGB])
        assert frame.facts == {"reported": dict(scene.by_name["card"].attributes)}


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_keeps_the_contract_with_sprites_behind(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    grammar = SceneGrammar.from_file(GRAMMARS / "digits/rotation_translation.yaml")
    scenes = [grammar.sample(rng) for _ in range(4)]
    seen: list[list[Frame]] = []

    def make() -> UnityFilesRenderer:
        folder = tmp_path / f"build{len(seen)}"
        folder.mkdir()
        command = ["-m", PROGRAM, str(folder), "--options", '{"size": 64}']
        given = {"exchange": folder, "player": sys.executable, "arguments": command, "size": 64}
        made = UnityFilesRenderer(**check_options("unity-files", given))
        seen.append(made.render(scenes, RGB, 0))
        return made

    check_renderer(make, scenes)
    sprites = engine("sprites")(**check_options("sprites", {"size": 64}))
    for ours, theirs in zip(seen[0], sprites.render(scenes, RGB, 0), strict=True):
        np.testing.assert_array_equal(ours[Pass.RGB], theirs[Pass.RGB])


@pytest.mark.parametrize(("fault", "slots"), [("", 6), ("late@1", 6), ("stale@2", 6), ("stale@2", 11)])
def test_batches_are_complete_and_in_order(fault: str, slots: int, tmp_path: Path) -> None:
    """The stand-in answers backwards; what it wrote for another batch, or in part, is not taken."""
    engine = cards(tmp_path / "build", "--fault", fault, slots=slots, step_timeout_s=20.0, restarts=0)
    try:
        for scenes in (SCENES, SCENES[::-1]):
            assert_drawn(engine.render(scenes, RGB, 3), scenes)
        assert len(players()) == 1
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ("die", PlayerCrashed, "left with status 11: out of memory"),
        ("hang", PlayerTimeout, "after 1.5 s, Graphs/Status.txt says that the player is at work"),
        ("half", PlayerTimeout, "after 1.5 s, Snapshots/ggraph_000010_11.png is not whole"),
        ("bad_png", PlayerProtocolError, "picture 10: no PNG that can be decoded"),
        ("wrong_names", PlayerProtocolError, "shot.png, not one for each index from 0 to 10"),
    ],
)
def test_a_fault_is_the_named_error_and_the_next_life_is_well(
    fault: str, error: type[PlayerFailure], text: str, tmp_path: Path
) -> None:
    seconds = 1.5 if error is PlayerTimeout else 60.0
    words = ["--fault", f"{fault}@2", "--once", str(tmp_path / "lived")]
    engine = cards(tmp_path / "build", *words, step_timeout_s=seconds)
    try:
        assert_drawn(engine.render(SCENES, RGB, 0), SCENES)
        with pytest.raises(error, match=text) as caught:
            engine.render(SCENES, RGB, 0)
        assert "\n" not in str(caught.value)
        assert not caught.value.lasting
        assert players() == []
        assert_drawn(engine.render(SCENES, RGB, 0), SCENES)
    finally:
        engine.close()


def test_too_many_restarts_are_lasting(tmp_path: Path) -> None:
    engine = cards(tmp_path / "build", "--fault", "exit_at_start", restarts=0)
    with pytest.raises(
        PlayerCrashed, match=r"left with status 7: no licence.*; there were too many restarts"
    ) as caught:
        engine.render(SCENES, RGB, 0)
    assert caught.value.lasting
    engine.close()


def test_a_build_that_nobody_starts_is_waited_for_asleep(tmp_path: Path) -> None:
    engine = UnityFilesRenderer(tmp_path, size=SIZE, step_timeout_s=1.0)
    assert engine.capabilities.notes == ("start the Unity build",)
    spent = time.process_time()
    with pytest.raises(
        PlayerTimeout, match=r"Graphs/ggraph_000000_11\.json was not taken; restart"
    ) as caught:
        engine.render(SCENES, RGB, 0)
    spent = time.process_time() - spent
    engine.close()
    assert caught.value.lasting, "it is not ours to restart"
    # A second holds at most 30 looks at a folder of eleven names, each far below a millisecond; a loop
    # without sleep takes nearly all of them.
    assert spent < 0.25


def test_a_build_that_is_at_work_on_something_else_is_waited_for(tmp_path: Path) -> None:
    engine = UnityFilesRenderer(tmp_path, size=SIZE, start_timeout_s=0.1)
    (tmp_path / GRAPHS).mkdir()
    (tmp_path / GRAPHS / "Status.txt").write_text("Busy")
    with pytest.raises(PlayerTimeout, match=r"after 0\.1 s, Graphs/Status\.txt"):
        engine.render(SCENES, RGB, 0)
    assert files_in(tmp_path) == {f"{GRAPHS}/Status.txt"}, "no graph is given to it meanwhile"
    engine.close()
    assert files_in(tmp_path) == {f"{GRAPHS}/Status.txt"}, "it still is at work"


def test_closing_ends_a_call_and_the_player(tmp_path: Path) -> None:
    engine = cards(tmp_path / "build", "--fault", "hang")
    errors: list[PlayerFailure] = []

    def render() -> None:
        try:
            engine.render(SCENES, RGB, 0)
        except PlayerFailure as error:
            errors.append(error)

    caller = threading.Thread(target=render)
    caller.start()
    while not (tmp_path / "build" / GRAPHS / "Status.txt").exists():
        time.sleep(0.02)
    engine.close()
    caller.join()
    assert [(type(error), error.lasting) for error in errors] == [(PlayerCrashed, True)]
    with pytest.raises(MetasimError, match="closed"):
        engine.render(SCENES, RGB, 0)


RUN = """
import sys
from pathlib import Path
from card_renderer import SIZE, card_scene
from metasim.rendering.protocol import Pass
from renderers.unity.files import UnityFilesRenderer
folder, *command = sys.argv[1:]
engine = UnityFilesRenderer(Path(folder), Path(sys.executable), command, size=SIZE)
engine.render([card_scene(1)], frozenset({Pass.RGB}), 0)
print(engine._process._process.pid, flush=True)
engine.render([card_scene(1)], frozenset({Pass.RGB}), 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_a_player_dies_with_a_run_that_is_killed(tmp_path: Path) -> None:
    words = ["-m", PROGRAM, str(tmp_path), "--engine", "card_renderer:CardRenderer", "--fault", "hang@2"]
    command = [sys.executable, "-c", RUN, str(tmp_path), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        player = psutil.Process(int(run.stdout.readline()))
        assert PROGRAM in player.cmdline()
        run.send_signal(signal.SIGKILL)
    player.wait(timeout=30)
    engine = cards(tmp_path)  # what the run left in the folder harms nobody
    assert_drawn(engine.render(SCENES, RGB, 0), SCENES)
    engine.close()


def test_nothing_but_what_belongs_to_the_exchange_is_touched(tmp_path: Path) -> None:
    build = tmp_path / "build"
    kept = [
        "beside.json",
        "build/settings.json",
        "build/Graphs/README",
        "build/Snapshots/old.jpg",
        "build/Done/x",
    ]
    gone = ["Graphs/ggraph_000000_9.json", "Snapshots/000003.png", "Snapshots/Done.txt", "Done/Done.txt"]
    for name in [*kept, *(f"build/{name}" for name in gone)]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(WORD)
    engine = cards(build)
    assert_drawn(engine.render(SCENES, RGB, 0), SCENES)
    engine.close()
    assert files_in(tmp_path) == set(kept)
    assert all((tmp_path / name).read_text() == WORD for name in kept)


def test_a_folder_serves_one_engine_at_a_time(tmp_path: Path) -> None:
    first, second = cards(tmp_path), cards(tmp_path)
    assert_drawn(first.render(SCENES, RGB, 0), SCENES)
    with pytest.raises(InputError, match=r"renderer\.exchange: .* is in use; expected a folder for each run"):
        second.render(SCENES, RGB, 0)
    assert len(players()) == 1
    first.close()
    assert_drawn(second.render(SCENES, RGB, 0), SCENES)
    second.close()


def test_what_is_missing_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(PlayerUnavailable, match=r"renderer\.exchange: nothing; expected the StreamingAssets"):
        UnityFilesRenderer()
    with pytest.raises(PlayerUnavailable, match=r"renderer\.exchange: no folder .*nowhere"):
        UnityFilesRenderer(tmp_path / "nowhere")
    with pytest.raises(PlayerUnavailable, match=r"renderer\.player: no file"):
        UnityFilesRenderer(tmp_path, tmp_path / "player")
    (tmp_path / GRAPHS).write_text("")
    with pytest.raises(InputError, match=r"renderer\.exchange: .*Graphs.*; expected a folder that may"):
        Exchange(tmp_path)
