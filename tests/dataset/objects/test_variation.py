"""Viewpoints and lightings: their ranges, their product, their jitter."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.dataset.objects.lighting import PRESETS, Lighting
from metasim.dataset.objects.variation import VariationPlan
from metasim.dataset.objects.viewpoint import BOUNDING_RADIUS, Ranges

DRAWS = 2000
LIGHTINGS = tuple(Lighting(name, kelvin) for name in PRESETS for kelvin in (2700.0, 6600.0))

plans = st.builds(
    VariationPlan,
    lightings=st.integers(1, 8).map(lambda n: LIGHTINGS[:n]),
    grid=st.none() | st.tuples(st.integers(1, 6), st.integers(1, 4)),
    jitter=st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 20.0)),
    one_lens=st.booleans(),
    seed=st.integers(0, 2**32),
)


@pytest.mark.parametrize("northern", [False, True])
def test_viewpoints_are_uniform_in_the_ranges_of_the_protocol(northern: bool) -> None:
    rng = stream(0, "test")
    drawn = [Ranges(northern_hemisphere=northern).draw(rng) for _ in range(DRAWS)]
    bounds = {
        "azimuth": (0, 360),
        "elevation": (0 if northern else -45, 45),
        "radius": (1.5, 2.8),
        "fov": (35, 70),
    }
    for name, (low, high) in bounds.items():
        values = np.array([getattr(v, name) for v in drawn])
        assert low <= values.min()
        assert values.max() <= high
        assert kstest(values, "uniform", (low, high - low)).pvalue > 0.01, name


@given(st.integers(0, 2**32), st.floats(0.3, 3.0))
def test_a_safe_camera_has_the_whole_cube_in_its_narrower_field(seed: int, aspect: float) -> None:
    view = Ranges(safe_radius=True, aspect=aspect).draw(stream(seed, "test"))
    half = math.atan(min(1.0, aspect) * math.tan(math.radians(view.fov) / 2.0))
    assert math.asin(BOUNDING_RADIUS / view.radius) < half


@given(plans, st.integers(1, 100))
def test_no_cell_of_the_product_comes_again_before_all_have_come(plan: VariationPlan, num: int) -> None:
    cells = plan.cells("mug", num)
    product = max(len(plan.directions), 1) * len(plan.lightings)
    counts = Counter(cells)
    assert len(cells) == num
    assert len(counts) == min(num, product)
    assert max(counts.values()) == -(-num // product)
    assert all(0 <= v < max(len(plan.directions), 1) and 0 <= k < len(plan.lightings) for v, k in cells)


@given(plans, st.integers(0, 50), st.integers(0, 3))
def test_viewpoints_stay_near_their_direction(plan: VariationPlan, view: int, attempt: int) -> None:
    cell = plan.cells("mug", view + 1)[view]
    found = plan.viewpoint("mug", view, cell, attempt)
    assert found == plan.viewpoint("mug", view, cell, attempt)
    if plan.directions:
        azimuth, elevation = plan.directions[cell[0]]
        turned = (found.azimuth - azimuth + 180.0) % 360.0 - 180.0
        assert abs(turned) <= plan.jitter[0] + 1e-9
        assert abs(found.elevation - elevation) <= plan.jitter[1] + 1e-9


@given(plans, st.booleans(), st.booleans(), st.integers(0, 50))
def test_viewpoints_are_in_the_ranges_that_are_told(
    plan: VariationPlan, northern: bool, safe: bool, view: int
) -> None:
    plan = replace(plan, ranges=Ranges(northern_hemisphere=northern, safe_radius=safe))
    found = plan.viewpoint("mug", view, plan.cells("mug", view + 1)[view])
    told = plan.told("mug", 0, 1)["ranges"]
    for name, value in (
        ("camera_radius_range", found.radius),
        ("elevation_range_degrees", found.elevation),
        ("fov_degrees_range", found.fov),
    ):
        low, high = told[name]
        assert low <= value <= high
    assert found.elevation >= 0 or not northern


def test_views_of_an_asset_share_a_lens_if_they_must_but_assets_do_not() -> None:
    plan = VariationPlan(one_lens=True)
    lenses = [{plan.viewpoint(name, view, (0, 0)).fov for view in range(9)} for name in ("mug", "cup")]
    assert [len(fovs) for fovs in lenses] == [1, 1]
    assert lenses[0] != lenses[1]


def test_unlike_assets_views_attempts_and_seeds_have_unlike_viewpoints() -> None:
    places = [
        VariationPlan(seed=seed).viewpoint(name, view, (0, 0), attempt)
        for seed in range(3)
        for name in ("mug", "shoe")
        for view in range(3)
        for attempt in range(3)
    ]
    assert len(set(places)) == len(places)


def test_unlike_assets_take_the_cells_in_unlike_orders() -> None:
    plan = VariationPlan(lightings=LIGHTINGS, grid=(6, 4))
    assert plan.cells("mug", 40) == plan.cells("mug", 48)[:40]
    assert plan.cells("mug", 40) != plan.cells("shoe", 40)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ranges(radius=(2.0, 1.0)), "--radius: 2,1; expected LOW,HIGH within"),
        (lambda: Ranges(fov=(0.0, 90.0)), "--fov: 0,90"),
        (lambda: Ranges(elevation=(-30, -10), northern_hemisphere=True), "--elevation: up to -10"),
        (lambda: VariationPlan(grid=(0, 4)), "--grid: 0x4"),
        (lambda: VariationPlan(jitter=(-1.0, 0.0)), "--jitter: -1,0"),
        (lambda: Lighting("disco"), "--lighting: 'disco'; expected some of white, studio"),
        (lambda: Lighting("white", 100.0), "--kelvin: 100"),
        (lambda: Lighting("white", 6600.0, 0.0), "--intensity: 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # pyright: ignore[reportCallIssue]
