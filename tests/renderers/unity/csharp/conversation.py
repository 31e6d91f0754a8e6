"""Conversation: frames to the driver of the message code, and back."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import IO, cast


class Conversation:
    """A driver process that answers each frame with one."""

    def __init__(self, program: Path, mode: str) -> None:
        self._process = subprocess.Popen(
            ["mono", str(program), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, frame: bytes) -> bytes:
        """What the driver answers."""
        stdin, stdout = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        stdin.write(struct.pack("<i", len(frame)) + frame)
        stdin.flush()
        header = stdout.read(4)
        assert len(header) == 4, "the driver ended"
        return stdout.read(*struct.unpack("<i", header))

    def close(self) -> None:
        """Ends the driver, which must end by itself once nothing more comes."""
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0
