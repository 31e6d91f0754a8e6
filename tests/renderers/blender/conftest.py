"""The room, and ``room_scene`` importable for the tests and for the workers that they start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .blend file that ``room_scene`` tells of."""
    path = tmp_path_factory.mktemp("room") / "room.blend"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(FOLDER / "make_room.py"), str(path)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return path
