"""The verb ``render sequences``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg


@dataclass(frozen=True)
class Sequences:
    """Renders sequences of the animations of .blend files, with all labels.

    Attributes:
        scenes: Folder of .blend files.
        out: Folder of the dataset, empty or new.
    """

    scenes: Annotated[Path, arg(metavar="DIR")]
    out: Annotated[Path, arg(metavar="DIR")]

    def run(self) -> int:
        """Renders the sequences; returns the exit status."""
        return 0
