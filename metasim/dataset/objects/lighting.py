"""Lighting: presets of lamps around an object, with a temperature and an intensity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from metasim.base.errors import InputError
from metasim.rendering.kelvin import COLDEST, HOTTEST, WHITE
from metasim.scene.graph import SceneNode


@dataclass(frozen=True)
class Lamp:
    """A sun.

    Attributes:
        azimuth: Degrees about z from which it shines.
        elevation: Degrees above the horizon.
        strength: Brightness of a white surface that it falls on straight; 1 is white.
        width: Degrees of its disc, which soften the shadows.
    """

    azimuth: float
    elevation: float
    strength: float
    width: float


@dataclass(frozen=True)
class Preset:
    """Lamps in an even environment.

    Attributes:
        environment: Brightness of the environment, which is the background too.
        lamps: The lamps.
    """

    environment: float
    lamps: tuple[Lamp, ...] = ()


PRESETS = {
    "white": Preset(1.0),
    "studio": Preset(0.2, (Lamp(120, 30, 0.8, 20), Lamp(-60, 15, 0.3, 60))),
    "natural": Preset(0.4, (Lamp(45, 55, 0.9, 1),)),
    "dramatic": Preset(0.05, (Lamp(90, 10, 1.0, 3), Lamp(-90, 40, 0.2, 60))),
}
"""White: light from everywhere and no shadow. Studio: a soft key light and a softer fill. Natural: sun and
sky. Dramatic: one hard light from the side in the dark."""


@dataclass(frozen=True)
class Lighting:
    """A preset in one colour and strength.

    Attributes:
        preset: Name of the preset.
        kelvin: Temperature of all its light.
        intensity: Factor of all its strengths.

    Raises:
        InputError: If there is no such preset, or a number is beyond its range.
    """

    preset: str = "white"
    kelvin: float = WHITE
    intensity: float = 1.0

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise InputError("--lighting", repr(self.preset), f"some of {', '.join(PRESETS)}")
        if not COLDEST <= self.kelvin <= HOTTEST:
            raise InputError("--kelvin", f"{self.kelvin:g}", f"from {COLDEST:g} to {HOTTEST:g}")
        if not 0.0 < self.intensity <= 100.0:
            raise InputError("--intensity", f"{self.intensity:g}", "above 0, at most 100")

    def nodes(self, parent: int) -> Iterator[SceneNode]:
        """Its environment and lamps as nodes of a scene graph.

        Args:
            parent: Index of their parent.
        """
        preset = PRESETS[self.preset]
        values = {"strength": preset.environment * self.intensity, "kelvin": self.kelvin}
        yield SceneNode("environment", "environment", self.preset, parent, values)
        for number, lamp in enumerate(preset.lamps, start=1):
            values = {
                "azimuth": lamp.azimuth,
                "elevation": lamp.elevation,
                "strength": lamp.strength * self.intensity,
                "width": lamp.width,
                "kelvin": self.kelvin,
            }
            name = "light" if number == 1 else f"light_{number}"
            yield SceneNode(name, "light", "light", parent, values)
