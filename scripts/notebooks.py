"""Runs the notebooks of experiments/notebooks from top to bottom on small runs, without a change to them.

python scripts/notebooks.py              # all of them; status 1 at the first that fails
python scripts/notebooks.py --out look   # keeps the notebooks as they came out, and their runs
"""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import tyro
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).resolve().parents[1] / "experiments" / "notebooks"
TAG = "parameters"
SMALL: dict[str, Any] = {
    "CHANGES": [
        "target.num=100",
        "matching.renders=300",
        "matching.effort=0.05",
        "verdict.draws=1",
        "verdict.permutations=50",
    ],
    "STEPS": 2,
    "NUM": 300,
}


def parameters(cell: Mapping[str, Any]) -> list[str]:
    """The names that a cell of parameters gives a value."""
    assigned = [node for node in ast.parse(cell["source"]).body if isinstance(node, ast.Assign)]
    return [target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)]


def with_parameters(notebook: nbformat.NotebookNode, values: Mapping[str, Any]) -> nbformat.NotebookNode:
    """The notebook with other values for its parameters, in a cell below theirs; others are left out."""
    place, cell = next(
        (place, cell) for place, cell in enumerate(notebook.cells) if TAG in cell.metadata.get("tags", ())
    )
    lines = [f"{name} = {values[name]!r}" for name in parameters(cell) if name in values]
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell("\n".join(lines)))
    return notebook


def execute(path: Path, out: Path) -> None:
    """Runs a notebook in its own folder and writes it, as it came out, to another."""
    notebook = with_parameters(nbformat.read(path, as_version=4), SMALL | {"RESULTS": str(out / "results")})
    client = NotebookClient(notebook, timeout=None, startup_timeout=300, kernel_name="python3")
    try:
        client.execute(cwd=str(path.parent))
    finally:
        nbformat.write(notebook, out / path.name)


def main(out: Path | None = None) -> int:
    """Runs all notebooks; returns the exit status.

    Args:
        out: Folder to keep notebooks and runs in; by default they go when all is done.
    """
    with TemporaryDirectory() as passing:
        place = Path(passing) if out is None else out.resolve()
        place.mkdir(parents=True, exist_ok=True)
        for path in sorted(FOLDER.glob("*.ipynb")):
            start = time.monotonic()
            try:
                execute(path, place)
            except CellExecutionError as error:
                sys.stderr.write(f"{path.name}: {error}\n")
                return 1
            sys.stderr.write(f"{path.name}: {time.monotonic() - start:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, description=__doc__))
