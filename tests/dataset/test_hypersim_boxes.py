"""Oriented boxes in Hypersim's layout: a row an instance, exact ones and upright ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ball_scene import BALL, ball_sample
from hypersim_files import array, write_scene
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.dataset.formats.hypersim.boxes import EXACT, FIELDS, UPRIGHT, box_tables
from metasim.dataset.labels import Solid


def boxes(scene: Path, kind: str) -> list[np.ndarray]:
    stem = f"_detail/mesh/metadata_semantic_instance_bounding_box_object_aligned_{kind}"
    return [array(scene / f"{stem}_{field}.hdf5") for field in ("extents", "orientations", "positions")]


def corners(extents: np.ndarray, orientation: np.ndarray, position: np.ndarray) -> np.ndarray:
    unit = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3), axis=-1).reshape(-1, 3)
    return (unit * extents) @ orientation.T + position


def test_boxes_have_a_row_an_instance(tmp_path: Path) -> None:
    scene = write_scene(tmp_path)
    solid = next(s for s in ball_sample(0).solids or () if s.instance == BALL)
    for kind in ("2d", "3d"):
        tables = boxes(scene, kind)
        assert [t.shape for t in tables] == [(4, 3), (4, 3, 3), (4, 3)]
        assert all(np.isinf(t[:2]).all() and np.isfinite(t[2:]).all() for t in tables)
        extents, orientations, positions = tables
        np.testing.assert_allclose(extents[BALL], solid.size, atol=1e-12)
        np.testing.assert_allclose(positions[BALL], solid.centre, atol=1e-12)
        np.testing.assert_allclose(
            orientations[BALL] * extents[BALL], solid.world_from_unit[:3, :3], atol=1e-12
        )
        np.testing.assert_allclose([np.linalg.det(r) for r in orientations[2:]], 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_tilted_boxes_are_told_exactly_and_upright(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))  # mirrored half of the time
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation * rng.uniform(0.1, 2, 3), rng.normal(size=3)
    solid = Solid(BALL, BALL, matrix)
    tables = box_tables([solid], BALL)
    exact = corners(*(tables[f"{EXACT}_{field}"][BALL] for field in FIELDS))
    for corner in solid.corners:
        assert np.abs(exact - corner).max(axis=1).min() < 1e-9
    extents, orientation, position = (tables[f"{UPRIGHT}_{field}"][BALL] for field in FIELDS)
    np.testing.assert_allclose(orientation[2], [0, 0, 1])
    np.testing.assert_allclose(orientation @ orientation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(orientation) == pytest.approx(1)
    local = (solid.corners - position) @ orientation
    assert (np.abs(local) <= extents / 2 + 1e-9).all()
    np.testing.assert_allclose(np.ptp(local, axis=0), extents, atol=1e-9)
    for angle in np.linspace(0, np.pi / 2, 60):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert np.ptp(solid.corners[:, :2] @ turn, axis=0).prod() >= extents[:2].prod() - 1e-9
