"""Reading: damaged files are the user's to know of, in one line."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tarfile import TarError
from tokenize import TokenError
from zipfile import BadZipFile

from metasim.base.errors import InputError

_SIGNS = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    SyntaxError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    BadZipFile,
    TarError,
    TokenError,  # numpy parses the head of an array as Python
    struct.error,
    zlib.error,
)
"""What decoders of HDF5, PNG, npz, tar, JSON and CSV raise on content that is not theirs."""


@contextmanager
def refusing_damage(path: Path, expected: str) -> Iterator[None]:
    """Turns the failure to decode a file into an error that names it.

    Args:
        path: The file.
        expected: What it should be.

    Raises:
        InputError: If the block fails on the file's content.
    """
    try:
        yield
    except _SIGNS as error:
        what = " ".join(f"{type(error).__name__} {error}".split())
        raise InputError(str(path), f"missing or damaged ({what})", expected) from error
