"""What a .blend file offers to bind."""

from __future__ import annotations

from pathlib import Path

from metasim.rendering.inspection import Inspection
from renderers.blender.apart import ask


def inspect_blend(path: Path) -> Inspection:
    """What a file offers to bind.

    Raises:
        InputError: If it cannot be read.
        MetasimError: If Blender dies of it.
    """
    return ask(_inspect, path)


def _inspect(path: Path) -> Inspection:
    from renderers.blender.blend.file import notes, open_file
    from renderers.blender.blend.starter import starter
    from renderers.blender.blend.survey import choices, survey

    open_file(path, str(path))
    return Inspection(tuple(survey()), choices(), notes(), starter())
