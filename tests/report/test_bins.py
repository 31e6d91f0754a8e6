from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.patches import StepPatch

from metasim.base.streams import stream
from metasim.report.bins import FEWEST, MOST, shared_bins, shares
from metasim.report.histograms import all_histograms, column_values
from metasim.runs.population import Populations

values = hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(-5, 5) | st.just(np.nan))


@given(several=st.lists(values, min_size=1, max_size=4))
def test_bins_hold_every_value_of_every_population(several: list[np.ndarray]) -> None:
    edges = shared_bins(several, -5.0, 5.0)
    assert FEWEST <= len(edges) - 1 <= MOST
    assert np.allclose(np.diff(edges), edges[1] - edges[0])
    for one in several:
        expected = 1.0 if np.isfinite(one).any() else 0.0
        assert shares(one, edges).sum() == pytest.approx(expected)


def test_a_spike_stands_out() -> None:
    """A population of a tenth of the spread is ten times as high, not as high."""
    normal = stream(0, "spike").normal(size=20_000)
    edges = shared_bins([normal, 0.1 * normal], -5.0, 5.0)
    ratio = shares(0.1 * normal, edges).max() / shares(normal, edges).max()
    assert 4.0 < ratio <= 10.5


def test_each_panel_draws_all_populations_in_the_same_bins(populations: Populations) -> None:
    drawn = all_histograms(populations)
    assert len(drawn.axes) == len(populations.columns)
    for index, axes in enumerate(drawn.axes):
        steps = {str(p.get_label()): p.get_data() for p in axes.patches if isinstance(p, StepPatch)}
        assert set(steps) == {"prior", "target", "inferred", "generated"}
        edges = steps["prior"][1]
        for name, (height, own_edges, _) in steps.items():
            assert np.array_equal(own_edges, edges)
            counts = np.histogram(column_values(populations, index)[name], edges)[0]
            assert np.allclose(height, counts / counts.sum())
