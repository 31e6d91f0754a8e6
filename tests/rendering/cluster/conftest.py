"""A Ray cluster of three nodes on this machine for the tests here; they are skipped without Ray."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nodes import Nodes

# Ray, which reads this as it is imported, takes the machine's own address for 127.0.0.1 unless it believes
# that there is but one machine.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """The cluster; it has three nodes whenever a test begins."""
    pytest.importorskip("ray", reason="ray is not installed")
    from nodes import Nodes

    cluster = Nodes()
    yield cluster
    cluster.close()
