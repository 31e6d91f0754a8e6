"""Inspects a .blend file in a process of its own, which may die of it."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.inspection import Inspection


def inspect_blend(path: Path) -> Inspection:
    """What a file offers to bind.

    Raises:
        InputError: If it cannot be read.
        MetasimError: If Blender dies of it.
    """
    if not path.is_file():
        raise InputError(str(path), "no such file", "a .blend file")
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_serve, args=(theirs, path), daemon=True)
    process.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError as error:
        raise MetasimError(f"{path}: Blender dies of this file") from error
    finally:
        process.kill()
        process.join()
    if isinstance(answer, MetasimError):
        raise answer
    return answer


def _serve(pipe: Connection, path: Path) -> None:
    """Answers and leaves without the interpreter's farewell, at which Blender may hang."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        pipe.send(_inspect(path))
    except MetasimError as error:
        pipe.send(error)
    except Exception as error:
        pipe.send(MetasimError(f"{path}: {type(error).__name__}: {error}"))
    os._exit(0)


def _inspect(path: Path) -> Inspection:
    from renderers.blender.blend.file import notes, open_file
    from renderers.blender.blend.starter import starter
    from renderers.blender.blend.survey import choices, survey

    open_file(path, str(path))
    return Inspection(tuple(survey()), choices(), notes(), starter())
