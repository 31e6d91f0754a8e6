"""The camera: projecting and unprojecting undo each other, with OpenGL's axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from metasim.rendering.camera import Camera

HEIGHT, WIDTH = 6, 9


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    """Any pose, uneven focal lengths and an optical axis off the centre."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(rng.normal(size=3)).as_matrix()
    pose[:3, 3] = rng.uniform(-10, 10, 3)
    fx, fy = rng.uniform(3, 30, 2)
    intrinsics = np.array([[fx, 0, rng.uniform(0, WIDTH)], [0, fy, rng.uniform(0, HEIGHT)], [0, 0, 1]])
    return Camera(intrinsics, pose)


@given(cameras(), st.integers(0, 2**32 - 1))
def test_projecting_undoes_unprojecting(camera: Camera, seed: int) -> None:
    depth = np.random.default_rng(seed).uniform(0.1, 100.0, (HEIGHT, WIDTH))
    pixels, found = camera.project(camera.unproject(depth))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    assert np.allclose(pixels, np.stack([x, y], axis=-1), atol=1e-8)
    assert np.allclose(found, depth, rtol=1e-10)


@given(cameras())
def test_distance_is_depth_along_the_ray(camera: Camera) -> None:
    points = camera.unproject(np.full((HEIGHT, WIDTH), 2.5))
    distance = np.linalg.norm(points - camera.world_from_camera[:3, 3], axis=-1)
    assert np.allclose(distance, 2.5 * np.linalg.norm(camera.rays(HEIGHT, WIDTH), axis=-1))


def test_it_looks_along_minus_z_with_y_up() -> None:
    camera = Camera(np.array([[10.0, 0, 8], [0, 10.0, 8], [0, 0, 1]]), np.eye(4))
    (ahead, right, up), depth = camera.project([[0, 0, -2], [1, 0, -2], [0, 1, -2]])
    assert depth == pytest.approx([2, 2, 2])
    assert ahead == pytest.approx([8, 8])
    assert right == pytest.approx([13, 8])
    assert up == pytest.approx([8, 3])
    assert camera.project([0, 0, 2])[1] < 0


def test_the_background_unprojects_to_nothing() -> None:
    points = Camera(np.diag([5.0, 5.0, 1.0]), np.eye(4)).unproject([[np.inf, 1.0]])
    assert np.isnan(points[0, 0]).all()
    assert np.isfinite(points[0, 1]).all()
