"""Upright boxes about points."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.rendering.upright import upright_box

L = np.array([[0, 0], [3, 0], [3, 0.5], [1, 0.5], [1, 2], [0, 2]])
L_CENTRE = np.array([1.0, 0.75])  # of a bar of 3 x 1/2 and one of 1 x 3/2


def yawed(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.concatenate([points[:, :2] @ turn.T, points[:, 2:]], axis=1)


def prism(outline: np.ndarray, height: float) -> np.ndarray:
    return np.concatenate([np.column_stack([outline, np.full(len(outline), z)]) for z in (0.0, height)])


def parts(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    extents = np.linalg.norm(matrix[:3, :3], axis=0)
    return extents, matrix[:3, :3] / extents


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 360), st.floats(0.2, 3), st.floats(0.2, 3), st.floats(0.2, 3), st.integers(0, 999))
def test_a_yawed_block_is_found(yaw: float, x: float, y: float, z: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = rng.uniform(-0.5, 0.5, (30, 3))
    corners = np.array([[a, b, c] for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (-0.5, 0.5)])
    points = yawed(np.concatenate([corners, inside]) * [x, y, z], yaw)
    ahead = [np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))]
    matrix = upright_box(points, ahead)
    extents, axes = parts(matrix)
    np.testing.assert_allclose(extents, [x, y, z], atol=1e-4)
    np.testing.assert_allclose(axes[:2, 0], ahead, atol=1e-4)
    np.testing.assert_allclose(axes[:, 2], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(axes), 1.0)
    local = (points - matrix[:3, 3]) @ axes / extents
    assert np.abs(local).max() <= 0.5 + 1e-9


@given(st.floats(0, 360))
def test_an_l_faces_where_its_mass_lies(yaw: float) -> None:
    points = yawed(prism(L, 1.0), yaw)
    centre = yawed(np.append(L_CENTRE, 0.5)[None], yaw)[0]
    matrix = upright_box(points, centre[:2] - yawed(np.array([[1.5, 1.0, 0.5]]), yaw)[0, :2])
    extents, axes = parts(matrix)
    np.testing.assert_allclose(extents, [3, 2, 1], atol=1e-6)
    np.testing.assert_allclose(axes[:, 0], yawed(np.array([[-1.0, 0.0, 0.0]]), yaw)[0], atol=1e-6)


@given(st.integers(1, 4), st.integers(0, 99))
def test_flat_things_have_boxes_too(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.outer(rng.normal(size=number), [1.0, 2.0, 0.0]) + np.array([3.0, -1.0, 0.5])
    matrix = upright_box(points, [1.0, 0.0])
    assert np.isfinite(matrix).all()
    extents = np.linalg.norm(matrix[:3, :3], axis=0)
    lengths = np.linalg.norm(points - points[:, None], axis=-1)
    np.testing.assert_allclose(extents.max(), lengths.max(), atol=1e-9)
