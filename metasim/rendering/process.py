"""EngineProcess: an engine in a process of its own, which may crash, hang or be killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from metasim.base.errors import MetasimError
from metasim.rendering.message import decoded
from metasim.rendering.protocol import Capabilities
from metasim.rendering.scratch import Scratch
from metasim.rendering.worker import Answer, Start

START_SECONDS = 180.0
SETTLED_AFTER = 20  # scenes after which an engine has loaded what it needs for any
LEAVE_SECONDS = 2.0
ENTRY = "from metasim.rendering.worker import main; main()"
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def memory_kills(counters: Path = Path("/proc/vmstat")) -> int:
    """Processes the kernel has killed for want of memory since it started; 0 if it does not say."""
    try:
        lines = counters.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


class WorkerDied(Exception):
    """The worker is gone (crash, kill) or was killed for its silence; the text says which."""


class HostLost(WorkerDied):
    """The worker is gone with the machine that it was on, which the scene need not be to blame for."""


class EngineProcess:
    """A fresh Python process with one engine, reached by a pipe of its own.

    It is not forked and does not run the caller's main module, so that it holds nothing but the
    engine, and no two workers share a lock that a killed one could keep for ever.

    Args:
        threads: How many threads numeric libraries may use in it.
    """

    def __init__(self, threads: int = 1) -> None:
        self._noise: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        # Its temporary files go with it: who is killed, or leaves without a farewell, tidies nothing up.
        self._scratch = Scratch()
        self._memory_kills = memory_kills()
        self._pipe, theirs = multiprocessing.Pipe()
        with theirs:
            self._process = _launch(theirs.fileno(), self._noise, self._scratch.path, threads)
        self._measured = psutil.Process(self._process.pid)
        self._capabilities: Capabilities | None = None
        self._patience_s = 0.0
        self._settled: int | None = None
        self.jobs = 0

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do, once it is made."""
        assert self._capabilities is not None
        return self._capabilities

    def grown(self) -> int:
        """Bytes of memory it holds more than when it had settled, after its first scenes."""
        if self.jobs < SETTLED_AFTER:
            return 0
        held = self._measured.memory_info().rss
        self._settled = self._settled or held
        return held - self._settled

    def make_engine(self, kind: str, options: Mapping[str, Any]) -> None:
        """Makes the engine, unless that is done.

        Raises:
            InputError: If the engine refuses its options.
            MetasimError: If the engine cannot be made.
            WorkerDied: If the process dies of it.
        """
        if self._capabilities is None:
            self.send([pickle.dumps(Start(kind, options))])
            answer = decoded(self._receive(START_SECONDS))
            if isinstance(answer, MetasimError):
                raise answer
            self._capabilities = answer

    def send(self, messages: Sequence[bytes]) -> None:
        """Queues scenes, pickled ``Job``s, for the worker.

        Raises:
            WorkerDied: If the worker is gone.
        """
        try:
            for message in messages:
                self._pipe.send_bytes(message)
        except OSError as error:
            raise WorkerDied(self._last_words()) from error

    def receive(self, timeout_s: float) -> Answer | MetasimError:
        """The worker's answer to the first scene not answered yet, or the error of one beyond the engine.

        Raises:
            WorkerDied: If the worker dies, or is silent for ``timeout_s`` and is killed for it.
        """
        try:
            return decoded(self.receive_bytes(timeout_s))
        except pickle.UnpicklingError as error:
            raise WorkerDied(self._last_words()) from error

    def receive_bytes(self, timeout_s: float) -> bytes:
        """The same as it came, to be handed on."""
        self.jobs += 1
        return self._receive(timeout_s)

    def _receive(self, timeout_s: float) -> bytes:
        try:
            self._have_patience(timeout_s)
            return self._pipe.recv_bytes()
        except BlockingIOError as error:
            self.kill()
            raise WorkerDied(f"no answer for {timeout_s:g} s") from error
        except (EOFError, OSError) as error:
            raise WorkerDied(self._last_words()) from error

    def leave(self) -> None:
        """Lets the engine close itself, kills it if that takes too long."""
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LEAVE_SECONDS)
        self.kill()

    def interrupt(self) -> None:
        """Kills the worker and whatever it started; safe while another thread waits for its answer."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kills the worker and frees what was held for it."""
        self.interrupt()
        self._process.wait()
        self._pipe.close()
        self._noise.close()
        self._scratch.close()

    def _have_patience(self, seconds: float) -> None:
        """Sets how long the pipe waits for the other side, also in the middle of a message."""
        if seconds == self._patience_s:
            return
        whole = int(seconds)
        interval = struct.pack("ll", whole, int((seconds - whole) * 1e6))
        with socket.socket(fileno=os.dup(self._pipe.fileno())) as end:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, interval)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, interval)
        self._patience_s = seconds

    def _last_words(self) -> str:
        """How the worker ended, and the last line it wrote on stderr."""
        self.interrupt()
        status = self._process.wait()
        end = f"ended by {signal.Signals(-status).name}" if status < 0 else f"left with status {status}"
        if status == -signal.SIGKILL:
            scarce = memory_kills() > self._memory_kills
            end += ", out of memory" if scarce else ", killed from outside"
        self._noise.seek(0)
        lines = [line for line in self._noise.read().splitlines() if line.strip()]
        self.kill()
        return f"worker {end}" + (f": {lines[-1].decode(errors='replace')}" if lines else "")


def _launch(handle: int, noise: IO[bytes], scratch: str, threads: int) -> subprocess.Popen[bytes]:
    """Starts the process: silent, in a session of its own that no Ctrl-C reaches."""
    environment = os.environ | dict.fromkeys(THREAD_LIMITS, str(threads)) | {"TMPDIR": scratch}
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-c", ENTRY, str(handle), str(os.getpid())],
        env=environment,
        pass_fds=[handle],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=noise,
        start_new_session=True,
    )
