"""Slot: a number of an open Blender file that can be read and written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from metasim.base.errors import InputError
from renderers.blender.blend.path import DataPath
from renderers.blender.blend.units import factor

Key = tuple[int, str, int | None]

_FRAMES = ("frame_current", "frame_float")
UNTURNED = ("QUATERNION", "AXIS_ANGLE")
"""Rotation modes in which Euler angles have no effect."""

_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False)
class Slot:
    """A number: a property of Blender's, or an element of one.

    Attributes:
        path: Where it is.
        owner: The ``bpy.types.bpy_struct`` that has the property.
        name: Name of the property, or of a custom one.
        index: Element of an array.
        custom: Whether it is a custom property.
        kind: ``FLOAT``, ``INT`` or ``BOOLEAN``.
        dimension: What it measures, in Blender's words.
    """

    path: DataPath
    owner: Any
    name: str
    index: int | None
    custom: bool
    kind: str
    dimension: str

    @property
    def key(self) -> Key:
        """What two slots at one place have in common."""
        return self.owner.as_pointer(), self.name, self.index

    @property
    def is_frame(self) -> bool:
        """Whether it is the place on the timeline, which moves all that is animated."""
        return not self.custom and self.name in _FRAMES and hasattr(self.owner, "frame_set")

    def read(self) -> float:
        """The value as Blender holds it; 1 for a switch that is on."""
        if self.is_frame:
            return float(self.owner.frame_current_final)
        value = self.owner[self.name] if self.custom else getattr(self.owner, self.name)
        return float(value if self.index is None else value[self.index])

    def write(self, value: float) -> None:
        """Gives it a value in Blender's own unit; numbers are rounded, and switches set, as it needs."""
        if self.is_frame:
            self.owner.frame_set(math.floor(value), subframe=value - math.floor(value))
            return
        exact = self._exact(value)
        if self.index is not None:
            (self.owner[self.name] if self.custom else getattr(self.owner, self.name))[self.index] = exact
        elif self.custom:
            self.owner[self.name] = exact
        else:
            setattr(self.owner, self.name, exact)
        if self.custom:  # which Blender does not notice by itself
            self.owner.id_data.update_tag()

    def meant(self, value: float) -> float:
        """The value to write for one in Blender's unit: a switch is on from 0.5, the other way if negated."""
        if self.kind == "BOOLEAN":
            return float((value >= 0.5) != self.path.negated)
        return value

    def factor(self, unit: str, where: str) -> float:
        """What values of an attribute are multiplied with; ``InputError`` if its unit does not fit."""
        return factor(unit, self.dimension, where)

    def demand(self, value: float, where: str) -> None:
        """Whether it can hold a value, in Blender's own unit: Blender cuts some without a word.

        Raises:
            InputError: If it cannot.
        """
        if self.kind == "BOOLEAN" or self.is_frame:
            return
        before = self.read()
        self.write(value)
        held = self.read()
        self.write(before)
        if abs(held - self._exact(value)) > _TOLERANCE * max(1.0, abs(value)):
            got = f"{value:g}, where Blender holds {held:g}"
            raise InputError(where, got, f"a range of the attribute that {self.path} can hold")

    def take_over(self) -> None:
        """Silences what else moves the property: keyframes, drivers, another way of turning."""
        if self.name == "rotation_euler" and getattr(self.owner, "rotation_mode", "") in UNTURNED:
            self.owner.rotation_mode = "XYZ"  # Blender keeps the orientation
        if not self.is_frame:
            _silence(self.owner, self.name, self.custom, self.index or 0)

    def _exact(self, value: float) -> float | int | bool:
        if self.kind == "BOOLEAN":
            return value >= 0.5
        return round(value) if self.kind == "INT" else value


def _silence(owner: Any, name: str, custom: bool, index: int) -> None:
    animation = getattr(owner.id_data, "animation_data", None)
    if animation is None:
        return
    if custom:
        prefix = "" if owner == owner.id_data else owner.path_from_id()
        path = f'{prefix}["{name}"]'
    else:
        path = owner.path_from_id(name)
    actions = [animation.action, *(s.action for track in animation.nla_tracks for s in track.strips)]
    curves = [animation.drivers, *(action.fcurves for action in actions if action is not None)]
    for group in curves:
        if (curve := group.find(path, index=index)) is not None:
            curve.mute = True
