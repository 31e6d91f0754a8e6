"""Gate: whether a view shows enough to be worth keeping."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Frame, Pass

_STEPS = 9


@dataclass(frozen=True)
class Measures:
    """What a view shows.

    Attributes:
        foreground: Share of the pixels that show an object.
        segments: Unlike parts of instances that are seen.
        in_frame: Share of the surfaces of the objects' boxes that lies within the image.
        finite: Whether all that is seen has a depth.
    """

    foreground: float
    segments: int
    in_frame: float
    finite: bool

    @classmethod
    def of(cls, frame: Frame) -> Measures:
        """Measures a frame that has the passes of a gate."""
        instance = frame[Pass.INSTANCE]
        seen = np.asarray(instance, dtype=np.int64) > 0
        ids = [frame[name][seen] for name in (Pass.INSTANCE, Pass.PART) if name in frame.passes]
        segments = len(np.unique(np.stack(ids), axis=1).T)
        depth = np.isfinite(frame[Pass.DEPTH][seen].astype(np.float64))
        boxes = np.asarray(frame[Pass.BOX3D], dtype=np.float64)
        share = 1.0 if frame.camera is None else in_frame(boxes, frame.camera, instance.shape)
        return cls(float(seen.mean()), segments, share, bool(depth.all()))


@dataclass(frozen=True)
class Gate:
    """What a view must show; one that does not is drawn again, a bounded number of times.

    Attributes:
        min_foreground: Least share of pixels that show an object.
        min_segments: Least number of segments, the parts of instances.
        min_in_frame: Least share of the box's surface within the image.
        attempts: Viewpoints that are tried before a view is given up.

    Raises:
        InputError: If a number is beyond its range.
    """

    min_foreground: float = 0.001
    min_segments: int = 1
    min_in_frame: float = 0.0
    attempts: int = 3

    def __post_init__(self) -> None:
        for name in ("min_foreground", "min_in_frame"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"--{name.replace('_', '-')}", f"{getattr(self, name):g}", "from 0 to 1")
        for name, least in (("min_segments", 0), ("attempts", 1)):
            if getattr(self, name) < least:
                raise InputError(f"--{name.replace('_', '-')}", str(getattr(self, name)), f"{least} or more")

    @property
    def passes(self) -> frozenset[Pass]:
        """What it looks at."""
        needed = {Pass.INSTANCE, Pass.DEPTH, Pass.BOX3D}
        return frozenset(needed | ({Pass.PART} if self.min_segments > 1 else set()))

    def fault(self, measures: Measures) -> str | None:
        """What a view lacks, ``None`` if nothing."""
        found = asdict(measures)
        for name in ("foreground", "segments", "in_frame"):
            least = getattr(self, f"min_{name}")
            if found[name] < least:
                return f"{name.replace('_', ' ')} {found[name]:.4g}, at least {least:g} wanted"
        return None if measures.finite else "depth that is not finite"


def in_frame(boxes: np.ndarray, camera: Camera, size: tuple[int, ...]) -> float:
    """The share of the surfaces of boxes that a camera has before it and within the image, hidden or not.

    Args:
        boxes: (N, 4, 4) world from the cube [-1/2, 1/2]^3; NaN where there is none.
        camera: The camera.
        size: Height and width of the image.
    """
    shown = boxes[np.isfinite(boxes).all(axis=(1, 2))]
    if not len(shown):
        return 0.0
    unit = np.stack(np.meshgrid(*[np.linspace(-0.5, 0.5, _STEPS)] * 3), axis=-1).reshape(-1, 3)
    surface = unit[np.abs(unit).max(axis=1) == 0.5]
    points = surface @ shown[:, :3, :3].transpose(0, 2, 1) + shown[:, None, :3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels, depth = camera.project(points)
    inside = (pixels >= 0.0) & (pixels <= [size[1], size[0]])
    return float((inside.all(axis=-1) & (depth > 0.0)).mean())
