"""The notebooks as they are committed; ``make notebooks`` runs them."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments" / "notebooks"
NAMES = ["01_first_run", "02_generated_vs_target", "03_compare_methods", "04_export_and_train"]
LONGEST = 12
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "notebooks.py"))


@pytest.fixture(params=NAMES)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{request.param}.ipynb", as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_these_are_all() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


def test_no_outputs_are_committed(notebook: nbformat.NotebookNode) -> None:
    nbformat.validate(notebook)
    assert [cell.outputs for cell in code(notebook) if cell.outputs] == []
    assert {cell.execution_count for cell in code(notebook)} == {None}


def test_it_reads_from_top_to_bottom(notebook: nbformat.NotebookNode) -> None:
    """A title first, then parameters and imports, each in one cell; no cell longer than one looks at."""
    title, parameters, imports, *rest = notebook.cells
    assert title.source.startswith("# ")
    assert {"EXPERIMENT", "RESULTS", "CHANGES"} <= set(SCRIPT["parameters"](parameters))
    assert parameters.metadata.tags == [SCRIPT["TAG"]]
    assert imports.source.startswith("%matplotlib inline")
    for cell in code(notebook):
        if cell is not imports:
            assert len(cell.source.splitlines()) <= LONGEST
            assert "import " not in cell.source
    assert sum(cell.cell_type == "markdown" for cell in rest) >= 4


def test_all_that_it_imports_is_there_and_public(notebook: nbformat.NotebookNode) -> None:
    source = "\n".join(line for line in notebook.cells[2].source.splitlines() if not line.startswith("%"))
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.ImportFrom):
            assert statement.module is not None
            for name in (alias.name for alias in statement.names):
                assert not name.startswith("_")
                assert hasattr(import_module(statement.module), name)


def test_the_experiment_is_there_and_small_runs_know_their_keys(notebook: nbformat.NotebookNode) -> None:
    from metasim.config import load_experiment
    from metasim.pipeline import Experiment

    scope: dict[str, Any] = {}
    exec(notebook.cells[1].source, scope)
    for changes in (scope["CHANGES"], SCRIPT["SMALL"]["CHANGES"]):
        config = load_experiment(FOLDER / scope["EXPERIMENT"], changes)
        assert Experiment.prepare(config).layout.columns
    assert (FOLDER / scope["RESULTS"]).resolve() == ROOT / "results"


def test_thirteen_views_in_order() -> None:
    views = nbformat.read(FOLDER / "02_generated_vs_target.ipynb", as_version=4)
    heads = [cell.source.splitlines()[0] for cell in views.cells if cell.source.startswith("## ")]
    assert [head.split(".")[0] for head in heads] == [f"## {number}" for number in range(1, 14)]
    for head, after in zip(views.cells, views.cells[1:], strict=False):
        if head.source.startswith("## "):
            assert after.cell_type == "code"


def small(*sources: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    return nbformat.v4.new_notebook(cells=cells)


def test_parameters_are_replaced_where_the_notebook_has_them() -> None:
    made = SCRIPT["with_parameters"](small("NUM = 1\nRESULTS = 'here'", "NUM"), {"NUM": 7, "OTHER": 3})
    assert [cell.source for cell in made.cells] == ["NUM = 1\nRESULTS = 'here'", "NUM = 7", "NUM"]


def run_of(tmp_path: Path, *sources: str) -> Callable[[], None]:
    path = tmp_path / "mine.ipynb"
    nbformat.write(small(*sources), path)
    (tmp_path / "out").mkdir()
    return lambda: SCRIPT["execute"](path, tmp_path / "out")


def test_a_notebook_runs_with_other_parameters(tmp_path: Path) -> None:
    run_of(tmp_path, "NUM = 1", "NUM + 1")()
    after = nbformat.read(tmp_path / "out" / "mine.ipynb", as_version=4)
    assert after.cells[-1].outputs[0].data["text/plain"] == str(SCRIPT["SMALL"]["NUM"] + 1)
    assert not nbformat.read(tmp_path / "mine.ipynb", as_version=4).cells[-1].outputs


def test_a_fault_in_a_cell_is_told(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="no such thing"):
        run_of(tmp_path, "NUM = 1", "raise ValueError('no such thing')")()
