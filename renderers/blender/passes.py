"""From the layers of Cycles to the passes of a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Pass
from renderers.blender.cycles import Image
from renderers.blender.flow import background_flow, surface_flow
from renderers.blender.ids import Ids, IdTable
from renderers.blender.true_normal import TRUE_NORMAL

Layers = Mapping[str, Image]

FARTHEST = 1e9
"""Metres; Cycles writes a depth of 1e10 on the background."""

LOBES = ("Gloss", "Trans")
"""Ways of a surface to send light on, besides the diffuse one: each has a colour and two lights."""

SOURCES = ("Emit", "Env", "VolumeDir", "VolumeInd")
"""Layers of light that no surface coloured."""

COLOUR = {
    Pass.RGB: frozenset({"Combined"}),
    Pass.HDR: frozenset({"Combined"}),
    Pass.REFLECTANCE: frozenset({"DiffCol"}),
    Pass.ILLUMINATION: frozenset({"DiffDir", "DiffInd"}),
    Pass.RESIDUAL: frozenset({*SOURCES, *(lobe + part for lobe in LOBES for part in ("Col", "Dir", "Ind"))}),
}
"""Layers behind passes that are means over the area of a pixel."""

CENTRE = {
    Pass.DEPTH: frozenset({"Depth"}),
    Pass.DISTANCE: frozenset({"Depth"}),
    Pass.POSITION: frozenset({"Depth", "Position"}),
    Pass.NORMAL: frozenset({"Depth", "Normal"}),
    Pass.NORMAL_GEOMETRIC: frozenset({"Depth", "Normal", TRUE_NORMAL}),
    Pass.UV: frozenset({"Depth", "UV"}),
    Pass.INSTANCE: frozenset({"IndexOB"}),
    Pass.CLASS: frozenset({"IndexOB"}),
    Pass.PART: frozenset({"IndexOB", "IndexMA"}),
    Pass.FLOW_FORWARD: frozenset({"Depth", "Vector"}),
    Pass.FLOW_BACKWARD: frozenset({"Depth", "Vector"}),
    Pass.AMODAL: frozenset({"IndexOB"}),
    Pass.BOX3D: frozenset({"IndexOB"}),
}
"""Layers behind passes that are values at the centre of a pixel, or ask where things are."""

FLOW = frozenset({Pass.FLOW_FORWARD, Pass.FLOW_BACKWARD})


@dataclass(frozen=True, eq=False)
class View:
    """A scene as it was seen.

    Attributes:
        layers: Layers of Cycles.
        camera: The camera.
        table: What its indices stand for.
        classes: (N + 1,) class id by instance id.
        before: The camera one frame earlier on the timeline; this one's where no flow is asked for.
        after: The camera one frame later.
    """

    layers: Layers
    camera: Camera
    table: IdTable
    classes: Ids
    before: Camera
    after: Camera


def srgb_bytes(linear: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Encodes linear light with the transfer function of IEC 61966-2-1, clipped to [0, 1], as bytes."""
    light = np.clip(np.asarray(linear, dtype=np.float64), 0.0, 1.0)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1.0 / 2.4) - 0.055)
    return np.rint(encoded * 255.0).astype(np.uint8)


def image(name: Pass, view: View) -> npt.NDArray[np.generic]:
    """The image of a pass, from the layers that ``COLOUR`` or ``CENTRE`` lists for it."""
    return _IMAGES[name](view)


def _hdr(view: View) -> Image:
    return np.ascontiguousarray(view.layers["Combined"][..., :3])


def _residual(view: View) -> Image:
    """All light that is not diffuse, by its own layers, so that it can be checked against the colour."""
    layers = view.layers
    lobes = [layers[f"{lobe}Col"] * (layers[f"{lobe}Dir"] + layers[f"{lobe}Ind"]) for lobe in LOBES]
    return np.sum([*lobes, *(layers[source] for source in SOURCES)], axis=0, dtype=np.float32)


def _depth(view: View) -> Image:
    depth = view.layers["Depth"]
    return np.where(depth > FARTHEST, np.float32(np.inf), depth)


def _distance(view: View) -> Image:
    depth = _depth(view)
    return (depth * np.linalg.norm(view.camera.rays(*depth.shape), axis=-1)).astype(np.float32)


def _on_surfaces(values: Image, view: View) -> Image:
    return np.where(view.layers["Depth"][..., None] > FARTHEST, np.float32(np.nan), values)


def _normal_geometric(view: View) -> Image:
    """Where transparent layers have added up their normals, the shading normal is the better one."""
    normal = view.layers[TRUE_NORMAL][..., :3]
    unit = np.abs(np.linalg.norm(normal, axis=-1, keepdims=True) - 1.0) < 1e-3
    return _on_surfaces(np.where(unit, normal, view.layers["Normal"]), view)


def _flow(view: View, other: Camera, motion: Image) -> Image:
    far = view.layers["Depth"][..., None] > FARTHEST
    background = background_flow(view.camera, other, motion.shape[0], motion.shape[1])
    return np.where(far, background, surface_flow(motion, view.camera, other)).astype(np.float32)


def _flow_forward(view: View) -> Image:
    return _flow(view, view.after, view.layers["Vector"][..., 2:] * np.array([-1, 1], np.float32))


def _flow_backward(view: View) -> Image:
    return _flow(view, view.before, view.layers["Vector"][..., :2] * np.array([1, -1], np.float32))


def _instance(view: View) -> Ids:
    return view.table.instance(view.layers["IndexOB"])


_IMAGES: dict[Pass, Callable[[View], npt.NDArray[np.generic]]] = {
    Pass.RGB: lambda view: srgb_bytes(_hdr(view)),
    Pass.HDR: _hdr,
    Pass.REFLECTANCE: lambda view: view.layers["DiffCol"],
    Pass.ILLUMINATION: lambda view: view.layers["DiffDir"] + view.layers["DiffInd"],
    Pass.RESIDUAL: _residual,
    Pass.DEPTH: _depth,
    Pass.DISTANCE: _distance,
    Pass.POSITION: lambda view: _on_surfaces(view.layers["Position"], view),
    Pass.NORMAL: lambda view: _on_surfaces(view.layers["Normal"], view),
    Pass.NORMAL_GEOMETRIC: _normal_geometric,
    Pass.UV: lambda view: _on_surfaces(view.layers["UV"][..., :2], view),
    Pass.INSTANCE: _instance,
    Pass.CLASS: lambda view: view.classes[_instance(view)],
    Pass.PART: lambda view: view.table.part(view.layers["IndexOB"], view.layers["IndexMA"]),
    Pass.FLOW_FORWARD: _flow_forward,
    Pass.FLOW_BACKWARD: _flow_backward,
}
