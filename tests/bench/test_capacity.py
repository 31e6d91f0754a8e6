"""The capacity model finds the costs that made what was measured, and reckons with them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.errors import MetasimError
from metasim.bench.capacity import Capacity, Sighting, table

COSTS = st.floats(1e-8, 1.0)
KINDS = [*product((64, 128, 512), (4, 64, 256))]


def sightings(model: Capacity) -> list[Sighting]:
    return [
        Sighting(
            px,
            samples,
            model.seconds(px, samples),
            model.scene_b + px**2 * model.pixel_b,
            model.scene_n + px**2 * model.pixel_n,
        )
        for px, samples in KINDS
    ]


@given(st.tuples(COSTS, st.floats(1e-8, 1e-3), st.floats(1e-9, 1e-5), COSTS, st.floats(1e-3, 10.0)))
def test_costs_are_found_again(costs: tuple[float, float, float, float, float]) -> None:
    made = Capacity(
        *costs, scene_n=2 * costs[3], pixel_n=3 * costs[4], driver_s=1e-3, byte_s=1e-9, start_s=9.0
    )
    found = Capacity.fit(sightings(made), 1e-3, 1e-9, 9.0)
    for px, samples in KINDS:
        assert found.seconds(px, samples) == pytest.approx(made.seconds(px, samples), rel=1e-6)
    assert found.scene_b + 300**2 * found.pixel_b == pytest.approx(made.scene_b + 300**2 * made.pixel_b)
    assert found.scene_n + 300**2 * found.pixel_n == pytest.approx(made.scene_n + 300**2 * made.pixel_n)


def test_one_size_or_one_number_of_samples_does_not_do() -> None:
    for kinds in (product((64,), (4, 16, 64)), product((64, 128, 256), (4,))):
        with pytest.raises(MetasimError, match="tell their costs apart"):
            Capacity.fit([Sighting(px, samples, 1.0, 1.0, 1.0) for px, samples in kinds], 1e-3, 0.0, 0.0)


@given(st.floats(0.01, 100.0), st.floats(1e-4, 1e-2), st.integers(4, 8))
def test_workers_help_until_the_driver_is_saturated(scene_s: float, driver_s: float, power: int) -> None:
    model, images = Capacity(scene_s, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, driver_s, 0.0, 0.0), 10**power
    limit = model.saturation(64, 4)
    assert limit == pytest.approx(scene_s / driver_s)
    few, many = max(1, int(limit / 4)), int(limit) + 1
    if few < limit:
        assert model.hours(images, few, 64, 4) == pytest.approx(images * scene_s / few / 3600)
    assert model.hours(images, many, 64, 4) == pytest.approx(images * driver_s / 3600)
    assert model.hours(images, 10 * many, 64, 4) == model.hours(images, many, 64, 4)
    rows = [model.row(images, workers, 64, 4, 0.05) for workers in (many, 10 * many)]
    assert all(row["driver_saturated"] for row in rows)
    assert rows[1]["dollars"] == pytest.approx(10 * rows[0]["dollars"])


def test_large_frames_saturate_the_driver_before_small_ones() -> None:
    model = Capacity(1.0, 0.0, 0.0, 0.0, 0.0, 100.0, 20.0, 5e-4, 1e-9, 0.0)
    assert model.saturation(64, 4) == pytest.approx(1.0 / (5e-4 + 1e-9 * (100 + 64**2 * 20)))
    assert model.saturation(512, 4) < model.saturation(64, 4) / 5


def test_the_table_has_a_line_a_number_of_images_and_a_column_a_number_of_workers() -> None:
    model = Capacity(1.0, 0.0, 0.0, 1e6, 0.0, 2e6, 0.0, 1e-3, 0.0, 0.0)
    rows = [model.row(n, w, 64, 4, 0.1) for n, w in product((10**4, 10**6), (1, 10_000))]
    head, _, *lines = table(rows).splitlines()
    assert head == "| images | GB on disk | GB sent | 1 workers | 10000 workers |"
    assert lines[0] == "| 1e+04 | 10.0 | 20.0 | 2.8 h, $0 | 0.0 h, $3 (driver) |"
    assert len(lines) == 2
