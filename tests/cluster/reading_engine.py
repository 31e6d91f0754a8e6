"""An engine that paints the number in a file, and tells which copy of the file it has read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph


class ReadingEngine:
    """Reads ``sub/value.txt`` in a folder."""

    capabilities = Capabilities(frozenset({Pass.HDR}), (2, 2))

    def __init__(self, folder: Path) -> None:
        self._file = folder / "sub" / "value.txt"

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        image = np.full((2, 2, 3), float(self._file.read_text()), np.float32)
        return [Frame({Pass.HDR: image}, facts={"inode": self._file.stat().st_ino}) for _ in scenes]

    def close(self) -> None:
        pass
