"""From the layers of Cycles to the passes of a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Pass
from renderers.blender.cycles import Image

Layers = Mapping[str, Image]

FARTHEST = 1e9
"""Metres; Cycles writes a depth of 1e10 on the background."""

COLOUR = {
    Pass.RGB: frozenset({"Combined"}),
    Pass.HDR: frozenset({"Combined"}),
    Pass.REFLECTANCE: frozenset({"DiffCol"}),
    Pass.ILLUMINATION: frozenset({"DiffDir", "DiffInd"}),
    Pass.RESIDUAL: frozenset({"Combined", "DiffCol", "DiffDir", "DiffInd"}),
}
"""Layers behind passes that are means over the area of a pixel."""

CENTRE = {
    Pass.DEPTH: frozenset({"Depth"}),
    Pass.DISTANCE: frozenset({"Depth"}),
    Pass.POSITION: frozenset({"Depth", "Position"}),
    Pass.NORMAL: frozenset({"Depth", "Normal"}),
    Pass.UV: frozenset({"Depth", "UV"}),
    Pass.INSTANCE: frozenset({"IndexOB"}),
}
"""Layers behind passes that are values at the centre of a pixel."""


def srgb_bytes(linear: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Encodes linear light with the transfer function of IEC 61966-2-1, clipped to [0, 1], as bytes."""
    light = np.clip(np.asarray(linear, dtype=np.float64), 0.0, 1.0)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1.0 / 2.4) - 0.055)
    return np.rint(encoded * 255.0).astype(np.uint8)


def image(name: Pass, layers: Layers, camera: Camera) -> npt.NDArray[np.generic]:
    """The image of a pass, from the layers that ``COLOUR`` or ``CENTRE`` lists for it."""
    return _IMAGES[name](layers, camera)


def _hdr(layers: Layers) -> Image:
    return np.ascontiguousarray(layers["Combined"][..., :3])


def _illumination(layers: Layers) -> Image:
    return layers["DiffDir"] + layers["DiffInd"]


def _residual(layers: Layers) -> Image:
    return _hdr(layers) - layers["DiffCol"] * _illumination(layers)


def _depth(layers: Layers) -> Image:
    return np.where(layers["Depth"] > FARTHEST, np.float32(np.inf), layers["Depth"])


def _distance(layers: Layers, camera: Camera) -> Image:
    depth = _depth(layers)
    return (depth * np.linalg.norm(camera.rays(*depth.shape), axis=-1)).astype(np.float32)


def _on_surfaces(values: Image, layers: Layers) -> Image:
    return np.where(layers["Depth"][..., None] > FARTHEST, np.float32(np.nan), values)


_IMAGES: dict[Pass, Callable[[Layers, Camera], npt.NDArray[np.generic]]] = {
    Pass.RGB: lambda layers, _: srgb_bytes(_hdr(layers)),
    Pass.HDR: lambda layers, _: _hdr(layers),
    Pass.REFLECTANCE: lambda layers, _: layers["DiffCol"],
    Pass.ILLUMINATION: lambda layers, _: _illumination(layers),
    Pass.RESIDUAL: lambda layers, _: _residual(layers),
    Pass.DEPTH: lambda layers, _: _depth(layers),
    Pass.DISTANCE: _distance,
    Pass.POSITION: lambda layers, _: _on_surfaces(layers["Position"], layers),
    Pass.NORMAL: lambda layers, _: _on_surfaces(layers["Normal"], layers),
    Pass.UV: lambda layers, _: _on_surfaces(layers["UV"][..., :2], layers),
    Pass.INSTANCE: lambda layers, _: layers["IndexOB"].astype(np.int32),
}
