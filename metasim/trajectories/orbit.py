"""A camera that circles what it looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.rendering.trajectory import Trajectory
from metasim.trajectories.aim import look_at


@dataclass(frozen=True)
class Orbit:
    """A circle about the vertical through a point.

    Attributes:
        centre: What the camera looks at, metres.
        radius: Its distance to that, metres.
        elevation: Its height above the horizon of the centre, degrees; short of 90 either way.
        azimuth: Where it begins, degrees from +x towards +y.
        turns: How often it goes round; against the clock, seen from above, if positive.
    """

    centre: tuple[float, float, float]
    radius: float
    elevation: float = 20.0
    azimuth: float = 0.0
    turns: float = 1.0

    def trajectory(self, frames: int, first: int = 1, frame_rate: float = 1.0) -> Trajectory:
        """A keyframe a frame, evenly spaced; after whole turns the first would be next.

        Args:
            frames: How many.
            first: Number of the first.
            frame_rate: Frames a second.
        """
        angles = np.deg2rad(self.azimuth + 360.0 * self.turns * np.arange(frames) / frames)
        poses = np.stack([look_at(self._place(angle), self.centre) for angle in angles])
        return Trajectory(np.arange(first, first + frames), poses, frame_rate)

    def _place(self, azimuth: float) -> npt.NDArray[np.float64]:
        elevation = np.deg2rad(self.elevation)
        level = np.array([np.cos(azimuth), np.sin(azimuth)]) * np.cos(elevation)
        return np.asarray(self.centre) + self.radius * np.array([*level, np.sin(elevation)])
