"""The verb ``verify``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg


@dataclass(frozen=True)
class Verify:
    """Checks a dataset against its manifest.

    Attributes:
        dataset: Folder or fsspec address of the dataset.
    """

    dataset: Annotated[Positional[str], arg(metavar="DIR")]

    def run(self) -> int:
        """Names every file that is not as it was written; returns the exit status."""
        from rich.console import Console

        from metasim.dataset.manifest import load_manifest
        from metasim.dataset.verify import verify

        problems = verify(self.dataset)
        files = len(load_manifest(self.dataset)["files"])
        lines = problems or [f"{self.dataset}: all {files} files are as they were written"]
        Console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
        return 1 if problems else 0
