"""The figures of ``bench export``, on a few digits."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasim.base.errors import InputError
from metasim.bench.export import EARLY, ExportBench

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_the_last_line_has_time_and_memory_of_the_export() -> None:
    samples = EARLY + 60
    *steps, last = ExportBench(EXPERIMENTS, "sprites", "webdataset", 16, samples, 1).run()
    rendering = [line for line in steps if line["step"] == "render"]
    assert sum(line["samples"] for line in rendering) == last["samples"] == samples
    assert last["render_only"] == pytest.approx(sum(line["wall"] for line in rendering))
    assert last["ratio"] == pytest.approx(last["wall"] / last["render_only"])
    assert last["rss_200_mb"] > 0
    assert last["growth_mb"] == pytest.approx(last["rss_end_mb"] - last["rss_200_mb"])


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InputError, match="--engine"):
        ExportBench(EXPERIMENTS, "clay", "webdataset", 16, 2 * EARLY, 1)
    with pytest.raises(InputError, match=f"more than {EARLY}"):
        ExportBench(EXPERIMENTS, "sprites", "webdataset", 16, EARLY, 1)
