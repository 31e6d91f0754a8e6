"""The verb ``inspect``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from metasim.base.errors import InputError

if TYPE_CHECKING:
    from metasim.rendering.inspection import Inspection

HEAD = """\
# A first experiment on {name}. It runs as it is: the target below is simulated.
# For images of your own write   target: {{images: FOLDER}}   in place of the whole target section.
# What else there is to bind:    metasim inspect {name}
"""


@dataclass(frozen=True)
class Inspect:
    """Lists what a scene file offers to bind, and writes a first experiment on it.

    Attributes:
        file: The scene file, a .blend one.
        out: Where to write the experiment.
    """

    file: Annotated[Positional[Path], arg(metavar="FILE")]
    out: Annotated[Path | None, arg(metavar="YAML")] = None

    def run(self) -> int:
        """Prints a line for each path: itself, its value and unit; returns the exit status."""
        from rich.console import Console

        from metasim.rendering.registry import inspect_file

        if self.out is not None and self.out.exists():
            raise InputError("--out", f"{self.out} exists", "a new file")
        found = inspect_file(self.file)
        console = Console(highlight=False, markup=False, soft_wrap=True)
        width = max((len(item.path) for item in found.bindable), default=0)
        for item in found.bindable:
            unit = "" if item.unit == "1" else f" {item.unit}"
            console.print(f"{item.path:{width}}  {item.value:.5g}{unit}")
        for path, names in found.choices.items():
            console.print(f"{path:{width}}  by class: {', '.join(names)}")
        for note in found.notes:
            Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"{self.file}: {note}")
        if self.out is not None:
            self._write(found, self.out)
            console.print(f"experiment: {self.out}")
        return 0

    def _write(self, found: Inspection, out: Path) -> None:
        import yaml

        from metasim.base.files import write_text
        from metasim.config import load_experiment

        scene = os.path.relpath(self.file.resolve(), out.resolve().parent)
        renderer: dict[str, Any] = {"kind": None, "scene": scene, **found.starter["renderer"]}
        experiment = {**found.starter, "renderer": renderer}
        text = yaml.safe_dump(experiment, sort_keys=False, default_flow_style=None, width=100)
        write_text(out, HEAD.format(name=self.file.name) + text)
        load_experiment(out)
