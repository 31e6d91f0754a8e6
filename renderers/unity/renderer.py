"""UnityRenderer: scenes through Unity players, several side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph
from renderers.unity.errors import PlayerFailure, PlayerUnavailable, SceneRejected
from renderers.unity.frames import SOURCE, Developer
from renderers.unity.player import Job, Orders, Player, Restarts, Result
from renderers.unity.process import program
from renderers.unity.session import Patience

Side = Annotated[int, Field(ge=4, le=8192)]
Seconds = Annotated[float, Field(gt=0)]
WirePass = Literal["rgb", "depth", "instance", "normal"]

HOW_TO_GET_ONE = (
    "the path of a Unity player: build one from renderers/unity/project (its README has the steps) "
    "and add --set renderer.player=PATH, or --set renderer.editor_port=5004 and press Play in the editor"
)


class UnityRenderer:
    """Renders with Unity players that speak the protocol of ``renderers/unity/PROTOCOL.md``.

    The players run beside this process, start with the first scene and are restarted when they fail. A scene
    that ends its player again and again is given up alone.

    Args:
        player: Program of the player.
        arguments: Arguments of it, in front of ours.
        editor_port: Wait for a Unity editor on this port instead of starting a player; Unity's is 5004.
        workers: How many players run side by side.
        size: Height and width of the images, pixels; one number for both, or the two.
        passes: What the player can deliver, ``rgb`` among it.
        slots: Scenes that a player renders in a step.
        classes: The scene schema's class names in order, which class ids count; without them there are
            no class ids.
        noisy: Whether frames depend on the seed, as those of a path tracer do.
        start_timeout_s: Seconds from a player's start to its first request.
        step_timeout_s: Seconds from a batch of scenes to its frames.
        quit_timeout_s: Seconds that a player may take to quit before it is killed.
        restarts: How often players may be restarted, all together.

    Raises:
        PlayerUnavailable: If there is no such program.
    """

    in_process = True
    everywhere = frozenset({"player"})

    def __init__(
        self,
        player: Path | None = None,
        arguments: Sequence[str] = (),
        editor_port: Annotated[int, Field(ge=1, le=65535)] | None = None,
        workers: Annotated[int, Field(ge=1)] = 1,
        size: Side | tuple[Side, Side] = 64,
        passes: Sequence[WirePass] = ("rgb", "depth", "instance", "normal"),
        slots: Annotated[int, Field(ge=1, le=1024)] = 16,
        classes: Sequence[str] = (),
        noisy: bool = False,
        start_timeout_s: Seconds = 60.0,
        step_timeout_s: Seconds = 30.0,
        quit_timeout_s: Seconds = 5.0,
        restarts: Annotated[int, Field(ge=0)] = 20,
    ) -> None:
        self._size = (size, size) if isinstance(size, int) else (size[0], size[1])
        self._passes = _with_derived(passes, bool(classes))
        self._slots, self._noisy = slots, noisy
        if editor_port is None:
            options = ("--metasim-size", f"{self._size[0]}x{self._size[1]}", "--metasim-slots", str(slots))
            names = ("--metasim-passes", ",".join(passes))
            command = [_program(player), *arguments, "-batchmode", "-logFile", "-", *options, *names]
        else:
            command, workers = None, 1
        class_ids = {name: number for number, name in enumerate(classes, start=1)}
        patience = Patience(start_timeout_s, step_timeout_s, quit_timeout_s)
        developer = Developer(self._size, class_ids)
        orders = Orders(command, editor_port or 0, slots, patience, developer, Restarts(restarts))
        self._players = [Player(orders) for _ in range(workers)]
        # Threads that live as long as the players: Linux kills a player with the thread that started it.
        self._threads = ThreadPoolExecutor(workers, "unity")
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        """Colour, ids and geometry, many scenes at a time."""
        notes = ("press Play in the Unity editor",) if self._players[0].waits_for_user else ()
        return Capabilities(
            passes=self._passes,
            size=self._size,
            in_process=self.in_process,
            noiseless=not self._noisy,
            notes=notes,
        )

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        """As ``render_batch``; scene ``i`` has seed ``seed + i``."""
        return self.render_batch(scenes, passes, range(seed, seed + len(scenes)))

    def render_batch(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
    ) -> list[Frame]:
        """Renders scenes, one frame each, in order, each with its seed.

        Raises:
            InputError: If a pass is beyond the players.
            SceneRejected: If a player cannot show a scene.
            PlayerFailure: If a scene ends its player whenever it is tried, with the frames of the others;
                or if there is no player any more, which is lasting.
        """
        if self._closed:
            raise MetasimError("the renderer is closed")
        if beyond := passes - self._passes:
            known = ", ".join(sorted(self._passes))
            raise InputError("passes", ", ".join(sorted(beyond)), f"some of {known}")
        if not passes:
            return [Frame({}) for _ in scenes]
        jobs = deque(_jobs(scenes, seeds, self._slots, len(self._players)))
        work = [self._threads.submit(_work, player, jobs, passes) for player in self._players]
        wait(work)  # no player may be left at work when the next call begins
        results: dict[int, Result] = {}
        for part in work:
            results |= part.result()
        return _frames([results[index] for index in range(len(scenes))])

    def close(self) -> None:
        """Lets the players quit, but ends those in the middle of a step."""
        if self._closed:
            return
        self._closed = True
        for player in self._players:
            player.stop()
        wait([self._threads.submit(player.leave) for player in self._players])
        self._threads.shutdown()


def _with_derived(passes: Sequence[str], counts_classes: bool) -> frozenset[Pass]:
    """All passes that those on the wire give."""
    if "rgb" not in passes:
        raise InputError("renderer.passes", ", ".join(passes) or "none", "rgb among them")
    wire = {Pass(name) for name in passes}
    return frozenset(
        name
        for name, source in SOURCE.items()
        if source in wire and (name is not Pass.CLASS or counts_classes)
    )


def _program(player: Path | None) -> str:
    if player is None:
        raise PlayerUnavailable("renderer.player", "nothing", HOW_TO_GET_ONE)
    return program(player, HOW_TO_GET_ONE)


def _jobs(scenes: Sequence[SceneGraph], seeds: Sequence[int], slots: int, players: int) -> Iterator[Job]:
    """Portions for one step, small enough that every player gets one."""
    portion = max(1, min(slots, -(-len(scenes) // players)))
    numbered = list(zip(range(len(scenes)), scenes, seeds, strict=True))
    for start in range(0, len(numbered), portion):
        yield numbered[start : start + portion]


def _work(player: Player, jobs: deque[Job], passes: frozenset[Pass]) -> dict[int, Result]:
    """Has a player render jobs until none is left; one that fails for good takes them all along."""
    results: dict[int, Result] = {}
    while True:
        try:
            job = jobs.popleft()
        except IndexError:
            return results
        try:
            results |= player.render(job, passes)
        except BaseException:
            jobs.clear()
            raise


def _frames(results: Sequence[Result]) -> list[Frame]:
    """The frames, if there are all; else the error of the first scene that has none."""
    for result in results:
        if isinstance(result, SceneRejected):
            raise result
    frames = [result for result in results if isinstance(result, Frame)]
    for index, result in enumerate(results):
        if isinstance(result, PlayerFailure):
            reasons = [one if isinstance(one, Frame) else f"{type(one).__name__}: {one}" for one in results]
            raise type(result)(f"scene {index}: {result}", results=reasons)
    return frames
