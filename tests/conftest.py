"""Settings of every test: property tests draw the same cases each time and have no deadline."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

sys.path.append(str(Path(__file__).parent / "helpers"))
settings.register_profile("metasim", deadline=None, derandomize=True)
settings.load_profile("metasim")

TESTS = Path(__file__).parent
LONG = (
    "cluster",
    "pipeline",
    "test_resume.py",
)  # which begin: no process is left with one at the end


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take long come first."""
    items.sort(key=lambda item: item.path.relative_to(TESTS).parts[0] not in LONG)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A module's tests share a process, as they share fixtures, and those of the cluster share a cluster."""
    from xdist.scheduler import LoadScopeScheduling

    class Modules(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.split("::")[0]
            return "cluster" if "/cluster/" in module else module

    config.option.loadscopereorder = False
    return Modules(config, log)


@pytest.fixture(scope="module")
def brief_reports() -> Iterator[None]:
    """For tests of whole trainings: a run draws less of what it tells, and as much of what it learns from."""
    from metasim.matching import showcase, trainer
    from metasim.pipeline import evidence
    from metasim.verdict import alarms

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(showcase, "SHOWN", 8)
        patch.setattr(trainer, "DRAWN", 100)
        patch.setattr(evidence, "REPORTED", 200)
        patch.setattr(alarms, "REPEATS", 4)
        yield
