"""Faults that a stand-in player can be told to have."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metasim.scene.graph import SceneGraph

AT_START = ("exit_at_start", "never_connect")
IN_HANDSHAKE = ("die_in_handshake", "hang_in_handshake")
AT_STEP = ("die", "segv", "hang")
IN_ANSWER = ("wrong_shape", "bad_png", "missing_pass", "bad_slot", "strange_id", "lost_frame")
IN_REPLY = ("short_channel", "garbage", "no_reply", "error_reply", "stale")
AT_END = ("ignore_quit",)
NAMES = (*AT_START, *IN_HANDSHAKE, *AT_STEP, *IN_ANSWER, *IN_REPLY, *AT_END)

_FOR_EVER = 3600.0


@dataclass
class Faults:
    """What goes wrong, and when.

    Attributes:
        name: One of those that the stand-in has, empty for none.
        step: Step of the player's life at which it does, from 1 on.
        always: Whether at every later step, too.
        poison: Class of a node of which the player dies.
    """

    name: str = ""
    step: int = 1
    always: bool = False
    poison: str = ""

    @classmethod
    def of(cls, text: str, once: Path | None, poison: str = "", names: Sequence[str] = NAMES) -> Faults:
        """Reads ``NAME[@STEP[+]]``; with a file ``once``, the fault is only that of the first life."""
        name, _, step = text.partition("@")
        if name not in ("", *names):
            raise SystemExit(f"no fault {name}; there are {', '.join(names)}")
        if once is not None:
            if once.exists():
                name = ""
            once.touch()
        return cls(name, int(step.rstrip("+") or 1), step.endswith("+"), poison)

    def at_start(self) -> None:
        """Before the player connects."""
        if self.name == "exit_at_start":
            os.write(1, b"no licence\n")
            os._exit(7)
        if self.name == "never_connect":
            time.sleep(_FOR_EVER)

    def in_handshake(self) -> None:
        """Between the two calls of the handshake."""
        if self.name == "die_in_handshake":
            os._exit(8)
        if self.name == "hang_in_handshake":
            time.sleep(_FOR_EVER)

    def now(self, step: int, *names: str) -> str:
        """The fault of a step, if it is one of some names; else nothing."""
        due = step == self.step or (self.always and step > self.step)
        return self.name if due and self.name in names else ""

    def at_step(self, step: int, scenes: Sequence[SceneGraph]) -> None:
        """When a batch has come."""
        if self.poison and any(node.cls == self.poison for scene in scenes for node in scene.nodes):
            os._exit(9)
        fault = self.now(step, *AT_STEP)
        if fault == "die":
            os._exit(11)
        if fault == "segv":
            sys.stdout.flush()
            ctypes.string_at(0)
        if fault == "hang":
            time.sleep(_FOR_EVER)

    def at_end(self) -> None:
        """When told to quit."""
        if self.name == "ignore_quit":
            time.sleep(_FOR_EVER)
