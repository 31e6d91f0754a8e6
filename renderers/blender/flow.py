"""Motion in the image along the timeline, from what Cycles knows of surfaces and we of cameras."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metasim.rendering.camera import Camera

Image = npt.NDArray[np.float32]


def surface_flow(motion: Image, camera: Camera, other: Camera) -> npt.NDArray[np.float64]:
    """Flow (H, W, 2) of surfaces to another frame.

    Args:
        motion: (H, W, 2) what Cycles says, as if the sensor kept its shift; x right, y down.
        camera: The camera of this frame.
        other: That of the other frame.
    """
    return motion + (other.intrinsics - camera.intrinsics)[:2, 2]


def background_flow(camera: Camera, other: Camera, height: int, width: int) -> npt.NDArray[np.float64]:
    """Flow (H, W, 2) of what is infinitely far, which the camera's turning and zooming alone moves.

    NaN where that lies behind the other camera.
    """
    rays = camera.rays(height, width)
    turn = camera.world_from_camera[:3, :3].T @ other.world_from_camera[:3, :3]
    turned = rays @ turn
    depth = np.where(turned[..., 2:] < 0.0, -turned[..., 2:], np.nan)
    seen = np.concatenate([turned[..., :1] / depth, -turned[..., 1:2] / depth, np.ones_like(depth)], axis=-1)
    here = np.concatenate([rays[..., :1], -rays[..., 1:2], np.ones_like(depth)], axis=-1)
    return seen @ other.intrinsics[:2].T - here @ camera.intrinsics[:2].T
