"""The module ``bpy``, loaded when an engine is made: a heavy library that fits one file a process."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from metasim.base.errors import MetasimError


def load_bpy() -> Any:
    """Imports ``bpy``; costs nothing where that is done.

    Raises:
        MetasimError: If it is not installed, or lacks a system library; the text names it.
    """
    if (loaded := sys.modules.get("bpy")) is not None:
        return loaded
    try:
        with _one_core():
            return importlib.import_module("bpy")
    except ImportError as error:
        remedy = "`metasim doctor` tells what is missing"
        raise MetasimError(f"bpy cannot be loaded ({error}); {remedy}") from error


@contextmanager
def _one_core() -> Iterator[None]:
    """Shows one core to the block: bpy makes a thread for every further one, which spins for ever."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
