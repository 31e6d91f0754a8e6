"""Session: one life of a player, from its start to its end; see PROTOCOL.md, section 1."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from renderers.unity.errors import PlayerCrashed, PlayerProtocolError, PlayerTimeout
from renderers.unity.link import Call, Link
from renderers.unity.message import to_side_channel
from renderers.unity.native import COMMUNICATION_VERSION, OK, PACKAGE_VERSION, QUIT, load_stubs
from renderers.unity.process import PlayerProcess

POLL_SECONDS = 0.05
DEATH_SECONDS = 1.0  # from the end of the connection to that of a process that crashes
STEP, RESET = 0, 1


@dataclass(frozen=True)
class Patience:
    """Seconds that a player is waited for.

    Attributes:
        start: From its start to its first request.
        step: From a batch to its frames.
        quit: From the word to quit to the signal to.
    """

    start: float
    step: float
    quit: float


class Session:
    """A player that is ready for batches.

    Args:
        command: How to start the player, but for the port; ``None`` to wait for one that a user starts.
        port: Port of a player that the user starts; 0 for any free one.
        patience: How long it is waited for.
        stopped: Set by another thread to end all waiting.

    Raises:
        PlayerUnavailable: If the port is taken.
        PlayerFailure: If the player does not come up.
    """

    def __init__(
        self, command: Sequence[str] | None, port: int, patience: Patience, stopped: threading.Event
    ) -> None:
        self._patience, self._stopped = patience, stopped
        self._message = load_stubs().message
        self._link = Link(port)
        self._process: PlayerProcess | None = None
        self._pending: Call | None = None
        self._agents: dict[str, int] = {}
        self._command_next = RESET
        try:
            if command is not None:
                self._process = PlayerProcess([*command, "--mlagents-port", str(self._link.port)])
            self._shake_hands()
        except BaseException:
            self.kill()
            raise

    def exchange(self, payload: bytes) -> Any:
        """Sends a batch and returns the player's next ``rl_output``.

        Raises:
            PlayerFailure: If there is none in time.
        """
        answer = self._message()
        answer.header.status = OK
        request = answer.unity_input.rl_input
        request.command, self._command_next = self._command_next, STEP
        request.side_channel = to_side_channel(payload)
        for behaviour, agents in self._agents.items():
            for _ in range(agents):
                request.agent_actions[behaviour].value.add().continuous_actions.append(0.0)
        self._answer(answer)
        self._pending = self._await(time.monotonic() + self._patience.step, self._patience.step)
        output = self._pending.message.unity_output.rl_output
        self._agents = {name: len(infos.value) for name, infos in output.agentInfos.items()}
        return output

    def close(self) -> None:
        """Tells the player to quit, and sees to it that it does."""
        if self._pending is not None:
            farewell = self._message()
            farewell.header.status = QUIT
            self._answer(farewell)
        if self._process is not None:
            self._process.end(self._patience.quit)
        self._link.close()

    def kill(self) -> None:
        """Ends the player at once."""
        if self._process is not None:
            self._process.kill()
            self._process.end(0.0)
        self._link.close()

    def _shake_hands(self) -> None:
        deadline = time.monotonic() + self._patience.start
        self._pending = self._await(deadline, self._patience.start)
        version = self._pending.message.unity_output.rl_initialization_output.communication_version
        if version.split(".")[0] != COMMUNICATION_VERSION.split(".")[0]:
            reason = f"the player speaks version {version or 'none'} of ML-Agents' protocol, not 1.x"
            raise PlayerProtocolError(reason, lasting=True)
        answer = self._message()
        answer.header.status = OK
        reply = answer.unity_input.rl_initialization_input
        reply.communication_version, reply.package_version = COMMUNICATION_VERSION, PACKAGE_VERSION
        reply.num_areas = 1
        abilities = ("baseRLCapabilities", "concatenatedPngObservations", "compressedChannelMapping")
        for name in (*abilities, "hybridActions", "variableLengthObservation", "multiAgentGroups"):
            setattr(reply.capabilities, name, True)
        self._answer(answer)
        self._pending = self._await(deadline, self._patience.start)

    def _answer(self, message: Any) -> None:
        assert self._pending is not None
        self._pending.answer(message)
        self._pending = None

    def _check(self, within_s: float = 0.0) -> None:
        if self._process is not None:
            self._process.check(within_s)

    def _await(self, deadline: float, seconds: float) -> Call:
        """The player's next call."""
        while time.monotonic() < deadline:
            try:
                call = self._link.receive(POLL_SECONDS)
            except PlayerCrashed:
                self._check(within_s=DEATH_SECONDS)
                raise
            if call is not None:
                if call.message.header.status == QUIT:
                    raise PlayerCrashed("the player quit")
                return call
            if self._stopped.is_set():
                raise PlayerCrashed("the player is closed", lasting=True)
            self._check()
        raise PlayerTimeout(f"no word of the player for {seconds:g} s")
