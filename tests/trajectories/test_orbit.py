"""Laws of orbits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metasim.trajectories.orbit import Orbit

PLACES = st.tuples(*[st.floats(-5, 5)] * 3)


@given(
    PLACES,
    st.floats(0.5, 9),
    st.floats(-80, 80),
    st.floats(0, 360),
    st.sampled_from([1, -1, 2]),
    st.integers(3, 40),
)
def test_the_camera_keeps_its_distance_and_looks_at_the_centre(
    centre: tuple[float, float, float],
    radius: float,
    elevation: float,
    azimuth: float,
    turns: int,
    frames: int,
) -> None:
    poses = Orbit(centre, radius, elevation, azimuth, turns).trajectory(frames).poses
    away = poses[:, :3, 3] - np.asarray(centre)
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), radius, rtol=1e-9)
    np.testing.assert_allclose(poses[:, :3, 2], away / radius, atol=1e-9)
    np.testing.assert_allclose(poses[:, 2, 0], 0.0, atol=1e-12)  # the horizon is level
    assert (poses[:, 2, 1] > 0).all()


@given(st.integers(3, 40), st.sampled_from([1.0, -1.0]))
def test_steps_are_even_round_to_the_first(frames: int, turns: float) -> None:
    poses = Orbit((0, 0, 0), 2.0, 10.0, 30.0, turns).trajectory(frames, first=7).poses
    angles = np.unwrap(np.arctan2(poses[:, 1, 3], poses[:, 0, 3]))
    np.testing.assert_allclose(np.diff(angles), turns * 2 * np.pi / frames, atol=1e-9)
