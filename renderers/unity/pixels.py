"""Pixels of a pass: colours to 24-bit codes and to what they mean, both ways; see PROTOCOL.md, section 3."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from renderers.unity.png import BadImage, Bytes

Codes = npt.NDArray[np.int32]

BACKGROUND = 0xFFFFFF
DEEPEST = 0xFFFFFE
_STEPS = 4094
_BITS = 12
_BLOCK = 1 << 14  # pixels at a time, so that what is between stays in the processor's cache


def codes_of(colours: Bytes) -> Codes:
    """24-bit codes (H, W) of colours (H, W, 3), red first."""
    padded = np.zeros((*colours.shape[:2], 4), np.uint8)
    for byte in range(3):  # one by one: a reversed copy of all three takes twice as long
        padded[..., byte] = colours[..., 2 - byte]
    return padded.view("<i4")[..., 0].astype(np.int32, copy=False)


def colours_of(codes: npt.NDArray[np.integer]) -> Bytes:
    """Colours (H, W, 3) of 24-bit codes (H, W)."""
    padded = np.ascontiguousarray(codes, ">i4").view(np.uint8).reshape(*codes.shape, 4)
    return np.ascontiguousarray(padded[..., 1:])


def depth_of(codes: Codes, far: float) -> npt.NDArray[np.float32]:
    """Planar depths (H, W) in metres, infinite on the background.

    Raises:
        BadImage: If a code is 0.
    """
    if not codes.all():
        raise BadImage("a depth of 0")
    depth = (codes * (far / DEEPEST)).astype(np.float32)
    depth[codes == BACKGROUND] = np.inf
    return depth


def depth_codes(depth: npt.NDArray[np.floating], far: float) -> Codes:
    """Codes (H, W) of planar depths in metres."""
    seen = np.isfinite(depth)
    steps = np.rint(np.where(seen, depth, 0.0).astype(np.float64) / far * DEEPEST)
    return np.where(seen, steps.clip(1, DEEPEST), BACKGROUND).astype(np.int32)


def normals_of(codes: Codes) -> npt.NDArray[np.float32]:
    """Unit normals (H, W, 3) in metasim's axes, NaN on the background."""
    flat = codes.ravel()
    normals = np.empty((flat.size, 3), np.float32)
    for start in range(0, flat.size, _BLOCK):
        _unfold(flat[start : start + _BLOCK], normals[start : start + _BLOCK])
    return normals.reshape(*codes.shape, 3)


def _unfold(codes: Codes, normals: npt.NDArray[np.float32]) -> None:
    """Writes the unit normals (N, 3) of codes (N,): off the octahedron, onto the sphere."""
    x, y = (codes >> _BITS).astype(np.float32), (codes & 0xFFF).astype(np.float32)
    for offset in (x, y):  # Unity's z is metasim's y
        offset -= np.float32(_STEPS // 2)
        offset /= np.float32(_STEPS // 2)
    up = np.float32(1) - np.abs(x) - np.abs(y)
    below = np.minimum(up, np.float32(0))
    x -= np.copysign(below, x)
    y -= np.copysign(below, y)
    length = np.sqrt(x * x + y * y + up * up)
    length[codes == BACKGROUND] = np.nan
    for axis, along in enumerate((x, y, up)):
        np.divide(along, length, out=normals[:, axis])


def normal_codes(normals: npt.NDArray[np.floating]) -> Codes:
    """Codes (H, W) of normals (H, W, 3) in metasim's axes, NaN on the background."""
    seen = np.isfinite(normals).all(axis=-1)
    x, y, up = np.moveaxis(np.where(seen[..., None], normals, [0.0, 0.0, 1.0]).astype(np.float64), -1, 0)
    total = np.abs(x) + np.abs(y) + np.abs(up)
    flat = np.stack([x, y]) / total
    folded = (1.0 - np.abs(flat[::-1])) * np.where(flat >= 0.0, 1.0, -1.0)
    flat = np.where(up < 0.0, folded, flat)
    u, v = np.floor((flat * 0.5 + 0.5) * _STEPS + 0.5).astype(np.int32)
    return np.where(seen, u << _BITS | v, BACKGROUND)
