"""Payloads of the scene channel and their place among side channels; see PROTOCOL.md, section 2."""

from __future__ import annotations

import gzip
import json
import struct
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

CHANNEL = uuid.UUID("6c1b8f0e-8a0b-4d8c-9d0a-5b3f1e7a2c01")
MAGIC = b"MSIM"
VERSION = 1
LARGEST = 3 * 2**20
"""Bytes that a payload to a player stays below: gRPC in C# receives 4 MiB."""

_HEADER = struct.Struct("<4s4i")
_LENGTH = struct.Struct("<i")
_ID_BYTES = 16


class Kind(IntEnum):
    """What a payload is."""

    BATCH = 1
    REPLY = 2
    ERROR = 3


class MalformedMessage(ValueError):
    """Bytes that are no message of this protocol; the text says what is wrong."""


@dataclass(frozen=True)
class Message:
    """A payload.

    Attributes:
        kind: What it is.
        batch: Number of the batch it belongs to.
        content: Its JSON.
    """

    kind: Kind
    batch: int
    content: Mapping[str, Any]

    def pack(self) -> bytes:
        """The payload's bytes, the same for equal content."""
        text = json.dumps(self.content, allow_nan=False, separators=(",", ":")).encode()
        number = len(self.content.get("scenes", ()))
        header = _HEADER.pack(MAGIC, VERSION, self.kind, self.batch, number)
        return header + gzip.compress(text, compresslevel=1, mtime=0)

    @classmethod
    def unpack(cls, payload: bytes) -> Message:
        """Reads a payload.

        Raises:
            MalformedMessage: If it is none.
        """
        if len(payload) < _HEADER.size:
            raise MalformedMessage(f"{len(payload)} bytes, fewer than a header has")
        magic, version, kind, batch, number = _HEADER.unpack_from(payload)
        if (magic, version) != (MAGIC, VERSION):
            raise MalformedMessage(f"{magic!r} version {version}, not {MAGIC!r} version {VERSION}")
        try:
            content = json.loads(gzip.decompress(payload[_HEADER.size :]))
            message = cls(Kind(kind), batch, content)
        except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
            raise MalformedMessage(f"{type(error).__name__}: {error}") from error
        scenes = content.get("scenes", []) if isinstance(content, dict) else None
        if not isinstance(scenes, list) or len(scenes) != number:
            raise MalformedMessage(f"not the {number} scenes that the header tells of")
        return message


def to_side_channel(payload: bytes) -> bytes:
    """A payload as ``side_channel`` holds it."""
    return CHANNEL.bytes_le + _LENGTH.pack(len(payload)) + payload


def from_side_channel(data: bytes) -> list[bytes]:
    """The payloads of the scene channel in ``side_channel``; those of others are skipped.

    Raises:
        MalformedMessage: If the row of messages is cut off.
    """
    return [payload for channel, payload in _messages(data) if channel == CHANNEL.bytes_le]


def _messages(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    while offset < len(data):
        start = offset + _ID_BYTES + _LENGTH.size
        if start > len(data):
            raise MalformedMessage("the side channel ends within a header")
        (length,) = _LENGTH.unpack_from(data, offset + _ID_BYTES)
        if not 0 <= length <= len(data) - start:
            raise MalformedMessage(f"a side channel message of {length} bytes, {len(data) - start} are there")
        yield data[offset : offset + _ID_BYTES], data[start : start + length]
        offset = start + length
