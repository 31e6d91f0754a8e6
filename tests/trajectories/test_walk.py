"""The random walk through a toy room, whose free space and views are known in closed form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_room import ROOM, clearance, first_met, room_surfaces, view_rays

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.rendering.trajectory import Trajectory
from metasim.trajectories.free_space import FreeSpace
from metasim.trajectories.walk import RandomWalk

KEEP = 0.2
START = np.array([-2.0, 1.5, 1.5])
Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def space() -> FreeSpace:
    return FreeSpace(room_surfaces(), KEEP)


@pytest.fixture(scope="module")
def walk(space: FreeSpace) -> RandomWalk:
    return RandomWalk(space, START, view_rays(), places=300)


@pytest.fixture(scope="module")
def walked(walk: RandomWalk) -> Trajectory:
    return walk.trajectory(60, stream(0, "walk"))


def shown(poses: Floats) -> Floats:
    """How many things each pose shows, told by the room's own rays."""
    rays = view_rays()
    counts = [
        len(np.unique(first_met(np.tile(pose[:3, 3], (len(rays), 1)), rays @ pose[:3, :3].T)[0]))
        for pose in poses
    ]
    return np.array(counts, dtype=np.float64)


def test_every_pose_is_in_free_space(walked: Trajectory) -> None:
    places = walked.poses[:, :3, 3]
    # feelers are some 0.15 rad from any direction: a corner between them may be a third nearer
    assert clearance(places).min() > 0.6 * KEEP
    np.testing.assert_array_equal(places[0], START)


def test_steps_are_short_and_in_line_of_sight(walked: Trajectory, walk: RandomWalk) -> None:
    places = walked.poses[:, :3, 3]
    steps = np.diff(places, axis=0)
    assert (np.abs(steps) <= [walk.reach, walk.reach, walk.rise]).all()
    moved = np.linalg.norm(steps, axis=1) > 0
    assert moved.mean() > 0.9
    _, ways_off = first_met(places[:-1][moved], steps[moved])
    assert (ways_off > 1.0).all()


def test_the_camera_between_keys_is_free_too(walked: Trajectory) -> None:
    between = walked.at(np.linspace(walked.frames[0], walked.frames[-1], 2000))
    assert clearance(between[:, :3, 3]).min() > 0.3 * KEEP


def test_it_shows_more_things_than_random_views_of_random_places(space: FreeSpace) -> None:
    rng = stream(1, "baseline")
    places = rng.uniform(ROOM[0], ROOM[1], (3000, 3))
    free = places[clearance(places) > KEEP][:400]
    walks = [RandomWalk(space, place, view_rays(), places=100) for place in free[:10]]
    baseline = shown(np.stack([walks[0].random_view(place, rng) for place in free]))
    # views of one walk resemble each other, walks do not
    found = np.array([shown(w.trajectory(12, stream(i, "walk")).poses).mean() for i, w in enumerate(walks)])
    error = np.hypot(baseline.std() / np.sqrt(len(baseline)), found.std() / np.sqrt(len(found)))
    assert found.mean() > baseline.mean() + 3 * error


def test_it_depends_on_its_seed_alone(walk: RandomWalk) -> None:
    one, same, other = (walk.trajectory(5, stream(seed, "walk")) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.poses, same.poses)
    assert not np.array_equal(one.poses, other.poses)


def test_poses_are_rotations(walked: Trajectory) -> None:
    turns = walked.poses[:, :3, :3]
    np.testing.assert_allclose(
        turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turns.shape), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(turns), 1.0, atol=1e-12)


def test_a_start_within_a_thing_moves_to_a_free_place_nearby() -> None:
    walk = RandomWalk(FreeSpace(room_surfaces(), KEEP), np.array([2.0, 1.0, 0.8]), view_rays())
    place = walk.trajectory(1, stream(0, "walk")).poses[:, :3, 3]
    assert clearance(place).min() > 0.6 * KEEP
    assert np.linalg.norm(place - walk.start) < 1.0


def test_a_start_without_a_free_place_is_refused() -> None:
    walk = RandomWalk(FreeSpace(room_surfaces(), 3.0), START, view_rays(), places=50)
    with pytest.raises(InputError, match="surfaces are about"):
        walk.trajectory(2, stream(0, "walk"))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rays_meet_what_the_room_says(space: FreeSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = rng.uniform(ROOM[0], ROOM[1], (50, 3))
    pose = np.eye(4)
    pose[:3, 3] = places[clearance(places) > KEEP][0]
    rays = rng.normal(size=(64, 3))
    expected, _ = first_met(np.tile(pose[:3, 3], (64, 1)), rays)
    # single precision may pass by an edge on the other side
    assert (space.seen(pose, rays) == expected).mean() > 0.95


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_sight_ends_at_surfaces(space: FreeSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(ROOM[0], ROOM[1], (80, 3))
    points = points[clearance(points) > 0.01]
    _, ways_off = first_met(np.tile(points[0], (len(points) - 1, 1)), points[1:] - points[0])
    clear = np.abs(ways_off - 1.0) > 1e-3
    np.testing.assert_array_equal(space.in_sight(points[0], points[1:])[clear], (ways_off > 1.0)[clear])
