"""The direction of imports, and what importing must not need."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
LIGHT = {"__future__", "importlib", "metasim", "tyro", *sys.stdlib_module_names}
ENGINES = ("bpy", "mathutils", "mlagents_envs", "ray")


def test_imports_run_one_way(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_the_library_imports_without_an_engine_or_a_cluster() -> None:
    program = f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({ENGINES!r}))  # importing one raises
import metasim
for module in pkgutil.walk_packages(metasim.__path__, "metasim."):
    importlib.import_module(module.name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def imported_at_the_top(path: Path) -> set[str]:
    """Top-level packages that a module imports as it is loaded."""
    names: set[str] = set()
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Import):
            names |= {alias.name.split(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            names.add((statement.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "metasim" / "cli").glob("*.py")), ids=lambda path: path.stem)
def test_verbs_import_what_is_heavy_as_they_run(path: Path) -> None:
    assert imported_at_the_top(path) <= LIGHT
