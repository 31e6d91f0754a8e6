"""Rehearsal: files that could crash Blender's importers are imported in a process of their own first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError
from metasim.rendering.worker import die_with
from renderers.blender.assets.formats import import_file
from renderers.blender.assets.joining import joined
from renderers.blender.assets.soundness import READABLE
from renderers.blender.native import load_bpy

TIMEOUT_S = 300.0
_ENTRY = f"from {__name__} import main; main()"


def rehearse(paths: Sequence[Path], timeout_s: float = TIMEOUT_S) -> None:
    """Imports files in another process, those that ``check_file`` has not read.

    Args:
        paths: Files of assets.
        timeout_s: Seconds in which all of them must be done.

    Raises:
        InputError: At the first that Blender refuses, crashes at, or does not get done with.
    """
    risky = [str(path) for path in paths if path.suffix.lower() not in READABLE]
    if not risky:
        return
    command = [sys.executable, "-P", "-c", _ENTRY, str(os.getpid()), *risky]
    fate = "crashes Blender's importer"
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=timeout_s)
        said = done.stdout
    except subprocess.TimeoutExpired as error:
        said, fate = error.stdout or b"", f"not imported within {timeout_s:g} s"
    answers: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines() if line.endswith(b"}")]
    for answer in answers:
        if "got" in answer:
            raise InputError(answer["where"], answer["got"], answer["expected"])
    if len(answers) < len(risky):
        raise InputError(risky[len(answers)], fate, "a sound mesh file")


def main() -> None:
    """Runs the rehearsal; arguments: process id of the parent, then the files. A JSON line each says how."""
    die_with(int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # importers write there too
    for path in sys.argv[2:]:
        load_bpy().ops.wm.read_factory_settings(use_empty=True)
        answers.write(json.dumps(_tried(Path(path))) + "\n")
        answers.flush()
    os._exit(0)


def _tried(path: Path) -> dict[str, str]:
    try:
        joined(import_file(path), str(path))
    except InputError as error:
        return {"where": error.where, "got": error.got, "expected": error.expected}
    return {}
