"""The verb ``render``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import subcommand

from metasim.cli.render_objects import Objects
from metasim.cli.render_sequences import Sequences


@dataclass(frozen=True)
class Render:
    """Renders labelled datasets of meshes and of animated scenes of the user's own."""

    what: Annotated[Objects, subcommand("objects")] | Annotated[Sequences, subcommand("sequences")]

    def run(self) -> int:
        """Renders; returns the exit status."""
        return self.what.run()
