"""Camera: a pinhole with pose, shared by all engines and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with OpenGL axes: it looks along its -z, +y is up in the image.

    Attributes:
        intrinsics: (3, 3) pixel matrix; pixel centres lie at half-integers, x right, y down.
        world_from_camera: (4, 4) pose, metres.
    """

    intrinsics: Array
    world_from_camera: Array

    def to_camera(self, points: npt.ArrayLike) -> Array:
        """World points (..., 3) in the camera's frame."""
        rotation, origin = self.world_from_camera[:3, :3], self.world_from_camera[:3, 3]
        return (np.asarray(points, dtype=np.float64) - origin) @ rotation

    def project(self, points: npt.ArrayLike) -> tuple[Array, Array]:
        """Pixels (..., 2) and planar depths (...) of world points (..., 3); depth > 0 is in front."""
        local = self.to_camera(points)
        depth = -local[..., 2]
        view = np.stack([local[..., 0], -local[..., 1], depth], axis=-1)
        homogeneous = view @ self.intrinsics.T
        return homogeneous[..., :2] / depth[..., None], depth

    def rays(self, height: int, width: int) -> Array:
        """Camera-frame rays (H, W, 3) through the pixel centres, scaled to unit planar depth."""
        y, x = np.mgrid[:height, :width].astype(np.float64) + 0.5
        pixels = np.stack([x, y, np.ones_like(x)], axis=-1)
        view = pixels @ np.linalg.inv(self.intrinsics).T
        return view * np.array([1.0, -1.0, -1.0])

    def unproject(self, depth: npt.ArrayLike) -> Array:
        """World points (H, W, 3) of a planar depth image (H, W), metres; NaN where it is infinite."""
        depth = np.where(np.isfinite(depth), np.asarray(depth, dtype=np.float64), np.nan)
        local = self.rays(*depth.shape) * depth[..., None]
        return local @ self.world_from_camera[:3, :3].T + self.world_from_camera[:3, 3]
