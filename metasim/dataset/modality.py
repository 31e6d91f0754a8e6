"""Modality: a kind of label that a dataset can hold, and the renderer passes it is made from."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from metasim.base.errors import InputError
from metasim.rendering.protocol import Pass


class Modality(StrEnum):
    """What a sample can carry: passes of the renderer under the same names, and labels made from them."""

    RGB = "rgb"
    HDR = "hdr"
    DEPTH = "depth"
    DISTANCE = "distance"
    POSITION = "position"
    NORMAL = "normal"
    NORMAL_GEOMETRIC = "normal_geometric"
    INSTANCE = "instance"
    PART = "part"
    REFLECTANCE = "reflectance"
    ILLUMINATION = "illumination"
    RESIDUAL = "residual"
    FLOW_FORWARD = "flow_forward"
    FLOW_BACKWARD = "flow_backward"
    UV = "uv"
    SEMANTIC = "semantic"  # int32 class ids, looked up from the instance ids
    MASK = "mask"  # bool foreground
    BBOX = "bbox"  # boxes of the visible pixels

    @property
    def source(self) -> Pass:
        """The pass it is made from."""
        return Pass.INSTANCE if self in DERIVED else Pass(self.value)


DERIVED = frozenset({Modality.SEMANTIC, Modality.MASK, Modality.BBOX})
USUAL = frozenset(
    {Modality.RGB, Modality.INSTANCE, Modality.SEMANTIC, Modality.BBOX, Modality.DEPTH, Modality.NORMAL}
)

CONVENTIONS = {
    Modality.RGB: "uint8 sRGB, row 0 on top",
    Modality.HDR: "float32 scene-linear RGB",
    Modality.DEPTH: "float32 metres along the optical axis, +inf on the background",
    Modality.DISTANCE: "float32 metres to the camera centre, +inf on the background",
    Modality.POSITION: "float32 metres in the world frame (right-handed, z up), NaN on the background",
    Modality.NORMAL: "float32 unit shading normal in the world frame, NaN on the background",
    Modality.NORMAL_GEOMETRIC: "float32 unit surface normal in the world frame, NaN on the background",
    Modality.INSTANCE: "index of the node in the scene graph + 1, 0 is background",
    Modality.PART: "part id, 0 is background",
    Modality.REFLECTANCE: "float32 linear diffuse albedo",
    Modality.ILLUMINATION: "float32 linear diffuse illumination",
    Modality.RESIDUAL: "float32 hdr - reflectance * illumination",
    Modality.FLOW_FORWARD: "float32 pixels (x right, y down) to the next frame",
    Modality.FLOW_BACKWARD: "float32 pixels (x right, y down) to the previous frame",
    Modality.UV: "float32 texture coordinates",
    Modality.SEMANTIC: "index in class_names + 1, 0 is background",
    Modality.MASK: "255 where an object is visible, 0 is background",
    Modality.BBOX: "[x, y, width, height, class_id] of the visible pixels, origin at the top left corner",
}


def choose_modalities(
    names: Iterable[str] | None, given: frozenset[Pass], held: frozenset[Modality], format_name: str
) -> tuple[Modality, ...]:
    """The modalities to export, in the order of declaration.

    Args:
        names: What the user asks for; ``None`` for all usual ones that can be had.
        given: Passes that the renderer can deliver.
        held: Modalities that the format can hold.
        format_name: The format's name, for messages.

    Raises:
        InputError: If a name is unknown, or beyond the renderer or the format.
    """
    if names is None:
        return tuple(m for m in Modality if m in USUAL & held and m.source in given)
    asked = {_modality(name) for name in names}
    for modality in sorted(asked):
        if modality not in held:
            can = ", ".join(m for m in Modality if m in held)
            raise InputError("--modalities", f"{modality} in format {format_name}", f"some of {can}")
        if modality.source not in given:
            can = ", ".join(m for m in Modality if m.source in given)
            raise InputError("--modalities", f"{modality}, beyond this renderer", f"some of {can}")
    return tuple(m for m in Modality if m in asked)


def _modality(name: str) -> Modality:
    try:
        return Modality(name)
    except ValueError:
        raise InputError("--modalities", f"unknown {name!r}", f"some of {', '.join(Modality)}") from None
