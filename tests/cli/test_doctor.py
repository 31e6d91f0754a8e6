"""The doctor on this machine, and on one where Blender's system libraries are missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metasim.cli import health

MISSING = "libSM.so.6: cannot open shared object file: No such file or directory"


def doctor(shadows: Path) -> subprocess.CompletedProcess[str]:
    """Runs the doctor with a folder of modules that stand before the installed ones."""
    environment = os.environ | {"COLUMNS": "120", "PYTHONPATH": str(shadows)}
    command = [str(Path(sys.executable).with_name("metasim")), "doctor"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def test_this_machine_is_healthy_even_without_what_only_unity_wants(tmp_path: Path) -> None:
    (tmp_path / "mlagents_envs.py").write_text("raise ImportError('not here')")
    done = doctor(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "broken" not in done.stdout
    assert f"mlagents-envs: {health.SETUP}\n" in done.stdout


@pytest.mark.parametrize("broken", [f"raise ImportError({MISSING!r})", "import os; os.abort()"])
def test_what_does_not_import_is_answered_by_its_command(broken: str, tmp_path: Path) -> None:
    (tmp_path / "bpy.py").write_text(broken)
    for name in ("torch", "torch_geometric"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')")
    done = doctor(tmp_path)
    assert done.returncode == 1
    assert f"bpy: {health.apt_line()}\n" in done.stdout
    assert f"torch: {health.SETUP}\n" in done.stdout
    assert f"torch-geometric: {health.SETUP}\n" in done.stdout


def test_the_apt_line_names_every_package() -> None:
    packages = (health.ROOT / "environment" / "apt.txt").read_text().split()
    assert health.apt_line().split("install -y ")[1].split() == packages
