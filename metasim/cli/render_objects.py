"""The verb ``render objects``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg


@dataclass(frozen=True)
class Objects:
    """Renders views of meshes, each made one size, with all labels.

    Attributes:
        assets: Folder of mesh files, or a text file that lists some of those in its folder.
        out: Folder or fsspec address of the dataset, empty or new.
    """

    assets: Annotated[Path, arg(metavar="DIR|FILE")]
    out: Annotated[str, arg(metavar="DIR")]

    def run(self) -> int:
        """Renders the views; returns the exit status."""
        return 0
