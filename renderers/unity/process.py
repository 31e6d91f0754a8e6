"""PlayerProcess: a Unity player that we started, and that dies with us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from renderers.unity.errors import PlayerCrashed, PlayerUnavailable

LAUNCHER = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Has the kernel kill the process with its parent, then becomes the player: what Popen can do only in a fork,
which a process with gRPC's threads must not make."""

PROXIES = ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy")
TERM_SECONDS = 1.0
_LAST_BYTES = 4096


class PlayerProcess:
    """A player in a session of its own; Linux kills it with the thread that made this object.

    Args:
        command: Its program and arguments.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._noise = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), *command],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._noise,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def check(self, within_s: float = 0.0) -> None:
        """Raises ``PlayerCrashed``, with the player's last words, if it is gone, or goes in some seconds."""
        try:
            status = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return
        how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"left with status {status}"
        raise PlayerCrashed(f"the player {how}{self._last_words()}{_missing_display()}")

    def end(self, patience_s: float) -> None:
        """Waits for the player to leave, then asks it to, then kills it and whatever it started."""
        for seconds, number in ((patience_s, signal.SIGTERM), (TERM_SECONDS, signal.SIGKILL)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
                break
            self._signal(number)
        self.kill()
        self._noise.close()

    def kill(self) -> None:
        """Kills the player and whatever it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _last_words(self) -> str:
        if self._noise.closed:
            return ""
        end = os.fstat(self._noise.fileno()).st_size
        text = os.pread(self._noise.fileno(), _LAST_BYTES, max(0, end - _LAST_BYTES))
        lines = [line for line in text.decode(errors="replace").splitlines() if line.strip()]
        return f": {lines[-1].strip()}" if lines else ""


def program(player: Path, advice: str) -> str:
    """Absolute path of a player's program.

    Args:
        player: The program.
        advice: What to give instead of one that cannot be run.

    Raises:
        PlayerUnavailable: If it cannot.
    """
    if not player.is_file():
        raise PlayerUnavailable("renderer.player", f"no file {player}", advice)
    if not os.access(player, os.X_OK):
        raise PlayerUnavailable("renderer.player", f"{player}, which may not be run", "a program (chmod +x)")
    return str(player.absolute())


def _environment() -> dict[str, str]:
    """Ours without proxies, which gRPC in a player would ask for the way to this machine."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in PROXIES}
    return kept | {"no_proxy": "localhost"}


def _missing_display() -> str:
    headless = sys.platform == "linux" and not os.environ.get("DISPLAY")
    return " (there is no display: run it under xvfb-run)" if headless else ""
