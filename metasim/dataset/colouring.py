"""Colouring: labels as images that a person can look at, equal labels as equal pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image as Pillow
from PIL import ImageDraw

from metasim.dataset.labels import Box, Image, Solid
from metasim.dataset.modality import Modality
from metasim.rendering.camera import Camera

Colours = npt.NDArray[np.uint8]

GAMMA = 2.2
BRIGHT, BRIGHT_PERCENT = 0.8, 90
_GOLDEN = 0.618033988749895  # of a turn between the hues of ids that follow each other
_EDGES = ((0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 3), (2, 6), (3, 7), (4, 5), (4, 6), (5, 7), (6, 7))
_LINEAR = {Modality.HDR, Modality.REFLECTANCE, Modality.ILLUMINATION, Modality.RESIDUAL}
_IDS = {Modality.INSTANCE, Modality.SEMANTIC, Modality.PART, Modality.MASK}


def exposure(image: Image, valid: npt.NDArray[np.bool_] | None = None) -> float:
    """The factor of Hypersim's tone mapping: it takes the 90th percentile of brightness to 0.8 after gamma.

    Args:
        image: (H, W, 3) linear.
        valid: (H, W) pixels that count; all finite ones by default.

    Returns:
        1 if no pixel counts, 0 if those that do are black.
    """
    brightness = np.asarray(image, dtype=np.float64) @ (0.3, 0.59, 0.11)
    finite = np.isfinite(brightness)
    chosen = brightness[finite if valid is None else finite & valid]
    if chosen.size == 0:
        return 1.0
    bright = float(np.percentile(chosen, BRIGHT_PERCENT))
    return 0.0 if bright < 1e-4 else BRIGHT**GAMMA / bright


def tonemap(image: Image, valid: npt.NDArray[np.bool_] | None = None) -> Colours:
    """A linear image (H, W, 3) by Hypersim's tone mapping, see ``exposure``."""
    linear = np.clip(np.nan_to_num(image).astype(np.float64) * exposure(image, valid), 0, 1)
    return _bytes(linear ** (1 / GAMMA))


def coloured(modality: Modality, image: Image) -> Colours:
    """An image of any modality as colours (H, W, 3)."""
    if modality is Modality.RGB:
        return np.asarray(image, dtype=np.uint8)
    if modality in _LINEAR:
        return tonemap(image)
    if modality in _IDS:
        return hues(image)
    if modality in (Modality.DEPTH, Modality.DISTANCE):
        return heat(image)
    if modality in (Modality.NORMAL, Modality.NORMAL_GEOMETRIC):
        return _bytes(np.nan_to_num(np.asarray(image) / 2 + 0.5))
    if modality in (Modality.FLOW_FORWARD, Modality.FLOW_BACKWARD):
        return wheel(image)
    if modality is Modality.AFFORDANCE:
        return hues(image @ (1 + np.arange(image.shape[-1])))
    return _stretched(image)


def hues(ids: Image) -> Colours:
    """Ids (H, W) as colours far from each other; 0 is black."""
    hue = np.asarray(ids, dtype=np.float64) * _GOLDEN % 1
    colours = _bytes(colormaps["hsv"](hue)[..., :3])
    colours[np.asarray(ids) == 0] = 0
    return colours


def heat(lengths: Image) -> Colours:
    """Lengths (H, W), near ones bright; black where infinite."""
    finite = np.isfinite(lengths)
    if not finite.any():
        return np.zeros((*lengths.shape, 3), np.uint8)
    near, far = np.percentile(lengths[finite], (1, 99))
    share = np.clip((far - np.where(finite, lengths, far)) / max(far - near, 1e-9), 0, 1)
    colours = _bytes(colormaps["viridis"](share)[..., :3])
    colours[~finite] = 0
    return colours


_SLOWEST = 0.1
"""Pixels a frame; a scene without faster motion is not made brighter than that."""


def wheel(flow: Image) -> Colours:
    """Flow (H, W, 2): its direction as hue, its length as brightness up to the 99th percentile.

    Where nothing moves, what an engine's rounding leaves stays black.
    """
    flow = np.nan_to_num(np.asarray(flow, dtype=np.float64))
    length = np.linalg.norm(flow, axis=-1)
    turn = np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi) % 1
    share = np.clip(length / max(float(np.percentile(length, 99)), _SLOWEST), 0, 1)
    return _bytes(colormaps["hsv"](turn)[..., :3] * share[..., None])


def with_boxes(colours: Colours, boxes: Sequence[Box]) -> Colours:
    """Colours with the outlines of 2D boxes, each in the hue of its instance."""
    picture = Pillow.fromarray(colours)
    draw = ImageDraw.Draw(picture)
    for box in boxes:
        corner = (box.x + box.width - 1, box.y + box.height - 1)
        draw.rectangle((box.x, box.y, *corner), outline=_hue(box.instance))
    return np.asarray(picture)


def with_solids(colours: Colours, solids: Sequence[Solid], camera: Camera) -> Colours:
    """Colours with the edges of 3D boxes that lie wholly in front of the camera."""
    picture = Pillow.fromarray(colours)
    draw = ImageDraw.Draw(picture)
    for solid in solids:
        pixels, depth = camera.project(solid.corners)
        for a, b in _EDGES if (depth > 0).all() else ():
            line = [tuple(np.clip(pixels[i], -1e5, 1e5).tolist()) for i in (a, b)]
            draw.line(line, fill=_hue(solid.instance))  # pyright: ignore[reportArgumentType]
    return np.asarray(picture)


def _hue(instance: int) -> tuple[int, int, int]:
    red, green, blue = hues(np.array([[instance]]))[0, 0].tolist()
    return red, green, blue


def _stretched(image: Image) -> Colours:
    """Two or three channels, each from its least to its greatest value; black where not finite."""
    values = np.asarray(image, dtype=np.float64)
    finite = np.isfinite(values).all(axis=-1)
    colours = np.zeros((*values.shape[:2], 3))
    if finite.any():
        low, high = values[finite].min(axis=0), values[finite].max(axis=0)
        colours[finite, : values.shape[-1]] = (values[finite] - low) / np.maximum(high - low, 1e-9)
    return _bytes(colours)


def _bytes(shares: npt.NDArray[Any]) -> Colours:
    return np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)
