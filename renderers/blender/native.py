"""The module ``bpy``, loaded when an engine is made: a heavy library that fits one file a process."""

from __future__ import annotations

import importlib
from typing import Any

from metasim.base.errors import MetasimError


def load_bpy() -> Any:
    """Imports ``bpy``.

    Raises:
        MetasimError: If it is not installed, or lacks a system library; the text names it.
    """
    try:
        return importlib.import_module("bpy")
    except ImportError as error:
        remedy = "`metasim doctor` tells what is missing"
        raise MetasimError(f"bpy cannot be loaded ({error}); {remedy}") from error
