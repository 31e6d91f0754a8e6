"""Modality: a kind of label that a dataset can hold, and the renderer passes it is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    AFFORDANCE = "affordance"  # bool (H, W, A), a channel an affordance
    AMODAL = "amodal"  # bool (N, H, W), whole instances, hidden pixels included
    BBOX = "bbox"  # boxes of the visible pixels
    BBOX_FULL = "bbox_full"  # boxes of all pixels, hidden ones included
    VISIBILITY = "visibility"  # share of each instance's pixels that are visible
    BBOX3D = "bbox3d"  # oriented boxes in the world

    @property
    def sources(self) -> frozenset[Pass]:
        """The passes it is made from."""
        return DERIVED.get(self) or frozenset({Pass(self.value)})


DERIVED = {
    Modality.SEMANTIC: frozenset({Pass.INSTANCE}),
    Modality.MASK: frozenset({Pass.INSTANCE}),
    Modality.AFFORDANCE: frozenset({Pass.INSTANCE}),
    Modality.BBOX: frozenset({Pass.INSTANCE}),
    Modality.BBOX_FULL: frozenset({Pass.AMODAL}),
    Modality.VISIBILITY: frozenset({Pass.AMODAL, Pass.INSTANCE}),
    Modality.BBOX3D: frozenset({Pass.BOX3D}),
}
"""Passes behind the modalities that are not a pass themselves."""

TABLES = frozenset({Modality.BBOX, Modality.BBOX_FULL, Modality.VISIBILITY, Modality.BBOX3D})
"""Modalities with an entry an instance; all others are images."""


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
    Modality.PART: "index in part_names + 1, above these the unnamed materials of a node, 0 is background",
    Modality.REFLECTANCE: "float32 linear diffuse albedo",
    Modality.ILLUMINATION: "float32 linear diffuse illumination",
    Modality.RESIDUAL: "float32 hdr - reflectance * illumination",
    Modality.FLOW_FORWARD: "float32 pixels (x right, y down) to the next frame",
    Modality.FLOW_BACKWARD: "float32 pixels (x right, y down) to the previous frame",
    Modality.UV: "float32 texture coordinates",
    Modality.SEMANTIC: "index in class_names + 1, 0 is background",
    Modality.MASK: "255 where an object is visible, 0 is background",
    Modality.AFFORDANCE: "1 where the affordance of the channel holds, channels as in affordance_names",
    Modality.AMODAL: "1 where the instance of the channel would be seen if nothing stood before it",
    Modality.BBOX: "[x, y, width, height, class_id] of the visible pixels, origin at the top left corner",
    Modality.BBOX_FULL: "[x, y, width, height, class_id] of all pixels in the image, hidden ones too",
    Modality.VISIBILITY: "visible share of the instance's pixels within the image, 0 to 1",
    Modality.BBOX3D: "4 x 4 matrix, world from the cube [-1/2, 1/2]^3; column norms are metres",
}


def choose_modalities(
    names: Iterable[str] | None,
    given: frozenset[Pass],
    held: frozenset[Modality],
    format_name: str,
    required: frozenset[Modality] = frozenset(),
) -> tuple[Modality, ...]:
    """The modalities to export, in the order of declaration.

    Args:
        names: What the user asks for; ``None`` for all usual and required ones that can be had.
        given: Passes that the renderer can deliver.
        held: Modalities that the format can hold.
        format_name: The format's name, for messages.
        required: Modalities that the format cannot do without.

    Raises:
        InputError: If a name is unknown, or beyond the renderer or the format, or a required one is missing.
    """
    if names is None:
        colour = Modality.RGB if Modality.RGB in held else Modality.HDR
        usual = (USUAL | {colour} | required) & held
        chosen = tuple(m for m in Modality if m in usual and m.sources <= given)
        if lost := required - set(chosen):
            raise InputError(
                "--format",
                f"{format_name}, which needs {_listed(lost)}, beyond this renderer",
                "another format",
            )
        return chosen
    asked = {find_modality(name) for name in names}
    for modality in sorted(asked):
        if modality not in held:
            can = ", ".join(m for m in Modality if m in held)
            raise InputError("--modalities", f"{modality} in format {format_name}", f"some of {can}")
        if not modality.sources <= given:
            can = ", ".join(m for m in Modality if m.sources <= given)
            raise InputError("--modalities", f"{modality}, beyond this renderer", f"some of {can}")
    require(required, asked, format_name)
    return tuple(m for m in Modality if m in asked)


def require(required: frozenset[Modality], chosen: Collection[Modality], format_name: str) -> None:
    """Refuses a choice without what a format cannot do without.

    Raises:
        InputError: If a required modality is missing.
    """
    if lost := required - set(chosen):
        got = f"no {_listed(lost)}, which format {format_name} needs"
        raise InputError("--modalities", got, f"all of {_listed(required)}")


def _listed(modalities: Iterable[Modality]) -> str:
    return ", ".join(sorted(modalities))


def find_modality(name: str) -> Modality:
    """The modality of a name.

    Raises:
        InputError: If there is none.
    """
    try:
        return Modality(name)
    except ValueError:
        raise InputError("--modalities", f"unknown {name!r}", f"some of {', '.join(Modality)}") from None
