"""Viewpoints: where a camera stands that looks at the origin, and the ranges that they are drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from metasim.base.errors import InputError

Range = tuple[float, float]

BOUNDING_RADIUS = math.sqrt(3.0)
"""Metres; of the sphere around the cube [-1, 1]^3."""

SAFETY = 0.05
"""Metres that a safe camera stands farther off than it must."""


@dataclass(frozen=True)
class Viewpoint:
    """A camera that looks at the origin.

    Attributes:
        azimuth: Degrees about z from the x axis.
        elevation: Degrees above the xy plane.
        radius: Distance from the origin, metres.
        fov: Field of view of the image's width, degrees.
    """

    azimuth: float
    elevation: float
    radius: float
    fov: float


@dataclass(frozen=True)
class Ranges:
    """Ranges of viewpoints; the defaults are those of the FreeSplatter and GS-LRM protocol.

    Attributes:
        radius: Metres.
        elevation: Degrees.
        fov: Degrees.
        northern_hemisphere: Whether cameras stand at the equator or above it.
        safe_radius: Whether cameras stand as far off as it takes to see the whole cube [-1, 1]^3.
        aspect: Height of the images over their width.

    Raises:
        InputError: If a range is empty or beyond what a camera can do.
    """

    radius: Range = (1.5, 2.8)
    elevation: Range = (-45.0, 45.0)
    fov: Range = (35.0, 70.0)
    northern_hemisphere: bool = False
    safe_radius: bool = False
    aspect: float = 1.0

    def __post_init__(self) -> None:
        bounds = {"radius": (0.05, 90.0), "elevation": (-90.0, 90.0), "fov": (1.0, 170.0)}
        for name, (least, most) in bounds.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise InputError(f"--{name}", f"{low:g},{high:g}", f"LOW,HIGH within {least:g} and {most:g}")
        if self.northern_hemisphere and self.elevation[1] < 0.0:
            raise InputError("--elevation", f"up to {self.elevation[1]:g}", "some of the northern hemisphere")

    @property
    def elevations(self) -> Range:
        """The elevations that are left, degrees."""
        low, high = self.elevation
        return (max(low, 0.0), high) if self.northern_hemisphere else (low, high)

    @property
    def radii(self) -> Range:
        """The distances that come of it, metres: what is safe depends on the field of view."""
        if not self.safe_radius:
            return self.radius
        near, far = (self._safe_distance(fov) for fov in reversed(self.fov))
        return max(self.radius[0], near), max(self.radius[1], far)

    def draw(self, rng: np.random.Generator) -> Viewpoint:
        """A viewpoint, each number uniform in its range."""
        azimuth, elevation = rng.uniform(0.0, 360.0), rng.uniform(*self.elevations)
        radius, fov = rng.uniform(*self.radius), rng.uniform(*self.fov)
        return self._safe(Viewpoint(azimuth, elevation, radius, fov))

    def near(self, azimuth: float, elevation: float, jitter: Range, rng: np.random.Generator) -> Viewpoint:
        """A viewpoint near a direction, in the ranges, whose radius and field of view are drawn.

        Args:
            azimuth: Degrees.
            elevation: Degrees.
            jitter: The most that either is changed by, degrees.
            rng: Source of randomness.
        """
        azimuth += rng.uniform(-jitter[0], jitter[0])
        elevation += rng.uniform(-jitter[1], jitter[1])
        radius, fov = rng.uniform(*self.radius), rng.uniform(*self.fov)
        elevation = float(np.clip(elevation, *self.elevations))
        return self._safe(Viewpoint(azimuth % 360.0, elevation, radius, fov))

    def grid(self, azimuths: int, elevations: int) -> Iterator[tuple[float, float]]:
        """Directions (azimuth, elevation), degrees, evenly over the circle and in bands of elevation."""
        low, high = self.elevations
        for band in range(elevations):
            for step in range(azimuths):
                yield 360.0 * step / azimuths, low + (band + 0.5) * (high - low) / elevations

    def _safe(self, viewpoint: Viewpoint) -> Viewpoint:
        if not self.safe_radius:
            return viewpoint
        return replace(viewpoint, radius=max(viewpoint.radius, self._safe_distance(viewpoint.fov)))

    def _safe_distance(self, fov: float) -> float:
        """From where a field of view, degrees, holds the cube."""
        narrower = min(1.0, self.aspect) * math.tan(math.radians(fov) / 2.0)
        return BOUNDING_RADIUS / math.sin(math.atan(narrower)) + SAFETY
