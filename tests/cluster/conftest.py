"""A Ray cluster of three nodes on this machine for the tests here; they are skipped without Ray."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from metasim.rendering.cluster.executor import RayExecutor

if TYPE_CHECKING:
    from door import Door
    from nodes import Nodes

# Ray, which reads this as it is imported, takes the machine's own address for 127.0.0.1 unless it believes
# that there is but one machine.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

HERE = Path(__file__).parent
sys.path += [
    str(HERE),
    *(str(HERE.parent / name) for name in ("rendering", "renderers", "dataset", "matching")),
]


@pytest.fixture(scope="package")
def door() -> Iterator[Door]:
    """The way to an S3 server on this machine."""
    from door import Door
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    way = Door(server.get_host_and_port()[1])
    yield way
    way.close()
    server.stop()


@pytest.fixture(scope="package")
def nodes(request: pytest.FixtureRequest) -> Iterator[Nodes]:
    """The cluster; it has three nodes whenever a test begins, whose processes find the S3 server."""
    pytest.importorskip("ray", reason="ray is not installed")
    from nodes import Nodes

    door: Door = request.getfixturevalue("door")
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{door.port}",
        "NO_PROXY": "*",
    }

    cluster = Nodes()
    yield cluster
    cluster.close()


@pytest.fixture
def executor(nodes: Nodes) -> RayExecutor:
    """Workers on the cluster, once nodes that an earlier test has killed are no longer counted."""
    from nodes import SIZE

    made = RayExecutor(nodes.address)
    assert nodes.soon(lambda: made.size(None) == SIZE)
    return made
