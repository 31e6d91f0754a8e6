"""How far and how fast the camera of a sequence goes, as VisionSIM tells it in ``info.json``."""

from __future__ import annotations

import numpy as np

from metasim.dataset.sample import Sample

INFO = "info.json"


class Travel:
    """The way of a camera, frame by frame."""

    def __init__(self) -> None:
        self._places: list[np.ndarray] = []
        self._frames: list[int] = []
        self._rate: float | None = None

    def add(self, sample: Sample) -> None:
        """Goes on to the camera of the next frame."""
        self._rate = sample.facts.get("frame_rate")
        if sample.camera is not None:
            self._places.append(sample.camera.world_from_camera[:3, 3])
            self._frames.append(sample.frame)

    def info(self) -> dict[str, float] | None:
        """Frames a second, metres, metres a second, and seconds from the first to the last frame.

        ``None`` if nothing says how many frames a second there are.
        """
        if self._rate is None or not self._frames:
            return None
        metres = float(np.linalg.norm(np.diff(self._places, axis=0), axis=1).sum())
        seconds = (self._frames[-1] - self._frames[0]) / self._rate
        return {
            "frame_rate": self._rate,
            "distance_traveled": metres,
            "average_velocity": metres / seconds if seconds else 0.0,
            "elapsed_time": seconds,
        }
