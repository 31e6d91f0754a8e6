"""UnityFilesRenderer: scenes through builds of the earlier project, which exchange files in a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

from pydantic import Field

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph
from renderers.unity.errors import (
    PlayerCrashed,
    PlayerFailure,
    PlayerProtocolError,
    PlayerTimeout,
    PlayerUnavailable,
)
from renderers.unity.exchange import Exchange, Snapshot
from renderers.unity.nodelink import to_node_link
from renderers.unity.player import Restarts
from renderers.unity.png import BadImage, decode_png
from renderers.unity.process import PlayerProcess, program
from renderers.unity.renderer import Seconds, Side

FIRST_POLL, LONGEST_POLL = 0.002, 0.05  # seconds between two looks into the folder, growing to the latter
GROWTH = 1.5
PASSES = frozenset({Pass.RGB})
EXCHANGE = "the StreamingAssets folder of a build: --set renderer.exchange=PATH"
BUILD = "the program of a build, or none to start it by hand"


class UnityFilesRenderer:
    """Renders with a build that takes graphs as JSON files and answers with PNG, JSON and Done files.

    Such a build reads no seed. What it says of a picture is in the frame's facts, as ``reported``.

    Args:
        exchange: ``StreamingAssets`` of the build.
        player: Program of the build; ``None`` if the user starts it.
        arguments: Its arguments.
        size: Height and width of its images, pixels; one number for both, or the two.
        slots: Most scenes of a batch.
        start_timeout_s: Seconds that a start may add to the first batch, or that a player which the user
            started may still be at work on something else.
        step_timeout_s: Seconds from a batch of scenes to its pictures.
        restarts: How often it may be restarted.

    Raises:
        PlayerUnavailable: If there is no such folder or program.
    """

    in_process = True
    everywhere = frozenset({"player", "exchange"})

    def __init__(
        self,
        exchange: Path | None = None,
        player: Path | None = None,
        arguments: Sequence[str] = (),
        size: Side | tuple[Side, Side] = 128,
        slots: Annotated[int, Field(ge=1, le=10_000)] = 50,
        start_timeout_s: Seconds = 60.0,
        step_timeout_s: Seconds = 60.0,
        restarts: Annotated[int, Field(ge=0)] = 20,
    ) -> None:
        if exchange is None:
            raise PlayerUnavailable("renderer.exchange", "nothing", EXCHANGE)
        self._size = (size, size) if isinstance(size, int) else (size[0], size[1])
        self._command = None if player is None else [program(player, BUILD), *arguments]
        self._slots, self._start_s, self._step_s = slots, start_timeout_s, step_timeout_s
        self._restarts = Restarts(restarts)
        if not exchange.is_dir():
            raise PlayerUnavailable("renderer.exchange", f"no folder {exchange}", EXCHANGE)
        # Held from the first scene on, since a run may make its next engine before it closes the last.
        self._folder = exchange
        self._exchange: Exchange | None = None
        self._process: PlayerProcess | None = None
        # A thread that lives as long as the player: Linux kills a player with the thread that started it.
        self._thread = ThreadPoolExecutor(1, "unity-files")
        self._closed = threading.Event()

    @property
    def capabilities(self) -> Capabilities:
        """Colour only."""
        notes = ("start the Unity build",) if self._command is None else ()
        return Capabilities(PASSES, self._size, in_process=self.in_process, noiseless=True, notes=notes)

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        """Renders scenes, one frame each, in order.

        Raises:
            InputError: If a pass other than colour is wanted, or another engine uses the folder.
            PlayerFailure: If the player failed; a lasting one if it is not ours to restart.
        """
        del seed  # the protocol has no place for it
        if self._closed.is_set():
            raise MetasimError("the renderer is closed")
        if beyond := passes - PASSES:
            raise InputError(
                "passes", ", ".join(sorted(beyond)), "rgb alone, which is all such a build gives"
            )
        if not passes:
            return [Frame({}) for _ in scenes]
        return self._thread.submit(self._render, scenes).result()

    def close(self) -> None:
        """Ends the player, if it is ours, and leaves the folder empty."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._thread.submit(self._end_player).result()
        self._thread.shutdown()
        if self._exchange is not None:
            self._exchange.clear()
            self._exchange.close()

    def _render(self, scenes: Sequence[SceneGraph]) -> list[Frame]:
        starts = range(0, len(scenes), self._slots)
        try:
            return [frame for start in starts for frame in self._batch(scenes[start : start + self._slots])]
        except PlayerFailure as failure:
            self._end_player()
            if failure.lasting:
                raise
            if self._command is None:
                raise type(failure)(f"{failure}; restart it, then this run", lasting=True) from failure
            self._restarts.take(failure)
            raise

    def _batch(self, scenes: Sequence[SceneGraph]) -> list[Frame]:
        if self._exchange is None:
            self._exchange = Exchange(self._folder)
        exchange, patience = self._exchange, self._step_s
        if self._command is None:
            self._await(exchange.at_work, self._start_s)
        exchange.clear()
        if self._command is not None and self._process is None:
            exchange.bury()
            self._process = PlayerProcess(self._command)
            patience += self._start_s
        exchange.put([to_node_link(scene) for scene in scenes])
        self._await(lambda: _lacking(exchange, len(scenes)), patience)
        frames = [self._frame(index, one) for index, one in enumerate(exchange.take(len(scenes)))]
        exchange.clear()
        return frames

    def _await(self, lacking: Callable[[], str], seconds: float) -> None:
        """Sleeps until nothing is lacking.

        Raises:
            PlayerTimeout: If something still is after some seconds.
            PlayerCrashed: If the player is gone, or closed.
        """
        deadline, pause = time.monotonic() + seconds, FIRST_POLL
        while lack := lacking():
            if self._process is not None:
                self._process.check()
            if time.monotonic() > deadline:
                raise PlayerTimeout(f"after {seconds:g} s, {lack}")
            if self._closed.wait(pause):
                raise PlayerCrashed("the player is closed", lasting=True)
            pause = min(GROWTH * pause, LONGEST_POLL)

    def _frame(self, index: int, snapshot: Snapshot) -> Frame:
        try:
            colours = decode_png(snapshot.png, self._size, alpha=True)
        except BadImage as error:
            raise PlayerProtocolError(f"picture {index}: {error}") from error
        return Frame({Pass.RGB: colours}, facts={"reported": snapshot.annotation})

    def _end_player(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end(0.0)


def _lacking(exchange: Exchange, count: int) -> str:
    exchange.drop_stale()
    return exchange.lacking(count)
