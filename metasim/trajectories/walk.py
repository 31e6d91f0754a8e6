"""A random walk of a camera through free space that prefers views of many things.

The method is Hypersim's (Roberts et al., ICCV 2021, section 3.3 of its supplement): from each place some
thousand near ones are tried, a few views from free ones are scored by what they show, and one of these is
drawn by its score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.camera import Array
from metasim.rendering.trajectory import Trajectory
from metasim.trajectories.aim import UP, look_at
from metasim.trajectories.free_space import FreeSpace

_BATCH = 25  # places tried at a time, until enough are free


@dataclass(frozen=True)
class RandomWalk:
    """A walk that never touches a surface.

    Attributes:
        space: Where the camera may be.
        start: (3,) where it begins; if that is not free, the nearest free one of some places about it.
        rays: (R, 3) rays of its picture in its own frame, by which views are scored.
        reach: Metres that a step may go along x and y, either way.
        rise: Metres that it may go along z, either way.
        places: Places tried a step.
        views: Views scored a step.
        elevation: Degrees that a view may look up or down.
        tilt: Standard deviation of what is added to the unit vector that is up in a view.
    """

    space: FreeSpace
    start: Array
    rays: Array
    reach: float = 1.5
    rise: float = 0.25
    places: int = 1000
    views: int = 20
    elevation: float = 45.0
    tilt: float = 0.1

    def trajectory(
        self, keys: int, rng: np.random.Generator, first: int = 1, frame_rate: float = 1.0
    ) -> Trajectory:
        """Draws a walk.

        Args:
            keys: How many keyframes, a frame each.
            rng: Source of chance.
            first: Frame of the first.
            frame_rate: Frames a second.

        Raises:
            InputError: If no place at the start is free.
        """
        poses = [self._view(np.tile(self._begin(rng), (self.views, 1)), rng)]
        while len(poses) < keys:
            poses.append(self._view(self._free_places(poses[-1][:3, 3], rng), rng))
        return Trajectory(np.arange(first, first + keys), np.stack(poses), frame_rate)

    def score(self, pose: Array) -> float:
        """What a view shows: its things, times the square of the share of its rays that meet any."""
        seen = self.space.seen(pose, self.rays)
        met = seen[seen >= 0]
        return float((met.size / seen.size) ** 2 * np.unique(met).size)

    def random_view(self, place: Array, rng: np.random.Generator) -> Array:
        """A pose (4, 4) at a place (3,), whatever it shows."""
        azimuth = rng.uniform(0.0, 2.0 * np.pi)
        elevation = np.deg2rad(rng.uniform(-self.elevation, self.elevation))
        level = np.array([np.cos(azimuth), np.sin(azimuth)]) * np.cos(elevation)
        up = np.asarray(UP) + rng.normal(0.0, self.tilt, 3)
        return look_at(place, place + np.array([*level, np.sin(elevation)]), up)

    def _begin(self, rng: np.random.Generator) -> Array:
        span = np.array([self.reach, self.reach, self.rise])
        tried = self.start + rng.uniform(-span, span, (self.places, 3))
        tried = tried[np.argsort(np.linalg.norm(tried - self.start, axis=1))]
        for batch in np.array_split(np.concatenate([self.start[None], tried]), max(1, self.places // _BATCH)):
            if (free := self.space.is_free(batch)).any():
                return batch[free][0]
        where = ", ".join(f"{x:.2f}" for x in self.start)
        raise InputError("start of the walk", f"({where}), which surfaces are about", "a free place")

    def _free_places(self, here: Array, rng: np.random.Generator) -> Array:
        """Places (V, 3) that can be reached straight from here; here again where too few can."""
        span = np.array([self.reach, self.reach, self.rise])
        tried = here + rng.uniform(-span, span, (self.places, 3))
        found: list[Array] = []
        for batch in np.array_split(tried, max(1, self.places // _BATCH)):
            found.extend(batch[self.space.are_joined(here, batch)])
            if len(found) >= self.views:
                break
        return np.array((found + [here] * self.views)[: self.views])

    def _view(self, places: Array, rng: np.random.Generator) -> Array:
        """One of a view a place, drawn by their scores."""
        poses = [self.random_view(place, rng) for place in places]
        scores = np.array([self.score(pose) for pose in poses])
        chances = scores / scores.sum() if scores.any() else None
        return poses[rng.choice(len(poses), p=chances)]
