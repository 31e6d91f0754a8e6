"""Questions about a Blender file, each answered in a process of its own, which may die of it."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from metasim.base.errors import InputError, MetasimError

T = TypeVar("T")

PATIENCE_S = 600.0  # a large file takes minutes to open


def ask(question: Callable[[Path], T], path: Path) -> T:
    """The answer to a question.

    Args:
        question: A function of a module, or a ``partial`` of one.
        path: The file it is about.

    Raises:
        InputError: If there is no such file, or it cannot be read.
        MetasimError: If Blender dies of it, or does not answer.
    """
    if not path.is_file():
        raise InputError(str(path), "no such file", "a .blend file")
    with tempfile.TemporaryDirectory(prefix="metasim-blender-", ignore_cleanup_errors=True) as scratch:
        return _asked(partial(question, path), path, scratch)


def _asked(question: Callable[[], T], path: Path, scratch: str) -> T:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_answer, args=(theirs, question, path, scratch), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(PATIENCE_S):
            raise MetasimError(f"{path}: Blender does not answer for {PATIENCE_S:g} s")
        answer = ours.recv()
    except EOFError as error:
        raise MetasimError(f"{path}: Blender dies of this file") from error
    finally:
        process.kill()
        process.join()
    if isinstance(answer, MetasimError):
        raise answer
    return answer


def _answer(pipe: Connection, question: Callable[[], object], path: Path, scratch: str) -> None:
    """Answers, with temporary files in a folder that goes, and leaves without the interpreter's farewell.

    At that Blender may hang.
    """
    os.environ["TMPDIR"] = scratch
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        pipe.send(question())
    except MetasimError as error:
        pipe.send(error)
    except Exception as error:
        pipe.send(MetasimError(f"{path}: {type(error).__name__}: {error}"))
    os._exit(0)
