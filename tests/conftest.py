"""Settings of every test: property tests draw the same cases each time and have no deadline."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.append(str(Path(__file__).parent / "helpers"))
settings.register_profile("metasim", deadline=None, derandomize=True)
settings.load_profile("metasim")


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
