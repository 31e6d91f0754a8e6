"""Trajectories that are made from what a scene file shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from paint_engine import SIZE

from metasim.base.errors import InputError
from metasim.dataset.sequences.reels import FRAMES, Cut, make_reels
from metasim.dataset.sequences.ways import find_way
from metasim.rendering.camera import Camera
from metasim.rendering.footage import Footage, Thing
from metasim.rendering.surfaces import Surfaces
from metasim.trajectories.aim import look_at

TARGET, EYE = np.array([0.2, -0.1, 0.5]), np.array([2.0, 1.5, 1.4])


def footage(target: np.ndarray = TARGET) -> Footage:
    """A small cube at the target, in a room."""
    cube = trimesh.creation.box(
        extents=(0.1, 0.1, 0.1), transform=trimesh.transformations.translation_matrix(TARGET)
    )
    room = trimesh.creation.box(bounds=[[-4, -4, 0], [4, 4, 3]])
    surfaces = Surfaces(
        np.concatenate([cube.vertices, room.vertices]),
        np.concatenate([cube.faces, room.faces + len(cube.vertices)]),
        np.repeat([0, 1], 12),
    )
    camera = Camera(np.array([[6.0, 0, 4], [0, 6, 3], [0, 0, 1]]), look_at(EYE, target))
    return Footage(
        5,
        30,
        24.0,
        (Thing("Cube", "Cube"), Thing("Room", "Room")),
        SIZE,
        camera,
        False,
        frozenset(),
        surfaces,
    )


def test_an_orbit_goes_round_what_the_file_looks_at() -> None:
    way = find_way("orbit", "a", footage(), 16, seed=0)
    assert way is not None
    np.testing.assert_allclose(way.poses[0], footage().camera.world_from_camera, atol=1e-5)
    centre = TARGET + 0.05 * np.sqrt(3) * np.array([[-1], [1]])  # no farther than the corner of the cube
    away = way.poses[:, :3, 3] - TARGET
    distances = np.linalg.norm(away, axis=1)
    assert np.ptp(distances) < np.ptp(centre)
    assert np.ptp(way.poses[:, 2, 3]) < 1e-9
    assert (way.frames[0], len(way.frames), way.frame_rate) == (5, 16, 24.0)


def test_a_walk_begins_at_the_camera_and_depends_on_seed_and_name() -> None:
    ways = [
        find_way("walk", name, footage(), 4, seed) for name, seed in (("a", 0), ("a", 0), ("b", 0), ("a", 1))
    ]
    one, same, *others = [way.poses for way in ways if way is not None]
    np.testing.assert_allclose(one[0, :3, 3], EYE)
    np.testing.assert_array_equal(one, same)
    assert not any(np.array_equal(one, other) for other in others)


@pytest.mark.parametrize(
    ("kind", "shown", "message"),
    [
        ("walk", replace(footage(), surfaces=None), "without surfaces"),
        ("orbit", footage(EYE + np.array([1e-9, 0, -1])), "straight up or down"),
        ("nowhere", footage(), "missing or damaged"),
    ],
)
def test_what_cannot_be_made_is_refused(kind: str, shown: Footage, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_way(kind, "a", shown, 4, 0)


@pytest.mark.parametrize("multiplier", [1.0, 2.5])
def test_made_trajectories_are_as_long_as_it_takes(tmp_path: Path, multiplier: float) -> None:
    file = tmp_path / "a.blend"
    file.write_bytes(b"a scene")
    cut = Cut(3, None, multiplier, "orbit", True, 0)
    (reel,), excluded = make_reels({"a": file}, {"a": footage()}, cut)
    assert not excluded
    assert [len(frames) for frames in reel.sequences] == [FRAMES] * 3
    assert reel.way is not None
    assert reel.sequences[-1].stop - 1 <= reel.way.frames[-1] * multiplier


def test_scenes_that_cannot_be_cut_are_told_and_left_out(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.blend" for name in ("bare", "good", "zoom")}
    for file in files.values():
        file.write_bytes(b"a scene")
    shown = {"good": footage(), "zoom": replace(footage(), zooms=True)}
    reels, excluded = make_reels(files, shown, Cut(2, None, 1.0, "animation", True, 0))
    assert [reel.name for reel in reels] == ["good"]
    assert "lens" in excluded["zoom"]
    both, none = make_reels(files, shown, Cut(2, None, 1.0, "animation", False, 0))
    assert (len(both), none) == (2, {})
