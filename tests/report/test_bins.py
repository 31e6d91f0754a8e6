from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.patches import StepPatch

from metasim.base.streams import stream
from metasim.report.bins import FEWEST, MOST, STRAY, shared_bins, shares, unwrapped
from metasim.report.columns import column_values
from metasim.report.densities import all_densities, densities, density
from metasim.report.frames import frames
from metasim.report.run_data import load_run

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


@given(several=st.lists(values, min_size=1, max_size=3))
def test_unwrapping_moves_values_by_whole_periods(several: list[np.ndarray]) -> None:
    period = 4.0
    opened = unwrapped(several, -2.0, period)
    for before, after in zip(several, opened, strict=True):
        moved = ((after - before) / period)[np.isfinite(before)]
        assert np.allclose(moved, moved.round())
    pooled = np.concatenate(opened)
    pooled = pooled[np.isfinite(pooled)]
    if pooled.size:
        gaps = np.diff(np.sort(np.append(pooled, pooled.min() + period)))
        if STRAY * pooled.size < 1:
            assert np.ptp(pooled) <= period - gaps.max() + 1e-9
        assert np.mean((pooled >= -2.0) & (pooled < 2.0)) >= 0.5 - 1.0 / pooled.size


def test_a_mode_about_the_seam_is_drawn_in_one_piece() -> None:
    upright = np.mod(stream(0, "seam").normal(0.0, 10.0, 500), 360.0)
    (opened,) = unwrapped([upright], 0.0, 360.0)
    assert np.ptp(opened) < 90.0
    assert len(shared_bins([opened], 0.0, 360.0)) - 1 < MOST
    assert np.std(opened) == pytest.approx(10.0, rel=0.1)


def test_stray_values_do_not_part_the_modes() -> None:
    rng = stream(0, "stray")
    modes = [rng.normal(90.0, 10.0, 5000), rng.normal(180.0, 10.0, 5000)]
    stray = rng.uniform(0.0, 360.0, 100)
    opened = unwrapped([*modes, stray], 0.0, 360.0)
    for mode, shown in zip(modes, opened, strict=False):
        assert np.allclose(mode, shown)


def test_each_panel_draws_all_populations_and_moments_in_the_same_bins(make_run) -> None:
    run = load_run(make_run())
    assert run.populations is not None
    over_time = {str(k): frame.values for k, frame in enumerate(frames(run))}
    assert list(over_time) == ["0", "1", "2"]
    for index, drawn in enumerate(densities(run, moments=True).values()):
        steps = [patch for patch in drawn.axes[0].patches if isinstance(patch, StepPatch)]
        found = column_values(run.populations, index, {k: v for k, v in over_time.items() if v is not None})
        edges = shared_bins(list(found.values()), 0.0, 1.0)
        shown = {str(patch.get_gid() or patch.get_label()).removeprefix("frame-"): patch for patch in steps}
        assert set(shown) == {"prior", "target", "inferred", *over_time}
        for name, patch in shown.items():
            height, own_edges, _ = patch.get_data()
            assert np.array_equal(own_edges, edges)
            counts = np.histogram(found[name], edges)[0]
            assert np.allclose(height, counts / counts.sum())


def test_a_narrow_prior_does_not_flatten_what_is_compared(make_run) -> None:
    run = load_run(make_run())
    for index, axes in enumerate(all_densities(run).axes):
        counted = density(run, index)
        compared = max(counted.final.max(), counted.shares["target"].max(), counted.shares["inferred"].max())
        assert compared <= axes.get_ylim()[1] <= 1.3 * compared
