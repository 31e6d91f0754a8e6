"""Checkpoints: whole files of tensors and plain data, read without running anything in them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError
from metasim.base.files import whole_file


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Writes tensors, numbers, text, lists and dictionaries; the old file stays until the new is whole."""
    import torch

    with whole_file(path) as file:
        torch.save(content, file)


def load_checkpoint(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint onto a device.

    Raises:
        InputError: If the file is missing, damaged, or holds more than tensors and plain data.
    """
    import torch

    try:
        return torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise InputError(str(path), "no such file", "a checkpoint") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0][:120] or type(error).__name__
        raise InputError(str(path), f"not readable ({reason})", "a whole checkpoint") from error
