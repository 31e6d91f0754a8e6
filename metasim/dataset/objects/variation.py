"""VariationPlan: which viewpoint and which lighting each view of an asset has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.dataset.objects.lighting import PRESETS, Lighting
from metasim.dataset.objects.viewpoint import Range, Ranges, Viewpoint
from metasim.dataset.sample import Origin
from metasim.scene.graph import SceneNode


@dataclass(frozen=True)
class VariationPlan:
    """The product of viewpoints and lightings, honoured: no cell comes again before all others have come.

    Viewpoints are the directions of a grid, each changed a little; or, without a grid, drawn anew for each
    view, so that the product is that of the lightings alone.

    Attributes:
        ranges: What viewpoints are drawn from.
        lightings: The lightings, at least one.
        grid: Numbers of azimuths and of bands of elevation; ``None`` for viewpoints drawn at random.
        jitter: The most by which a direction of the grid is changed: azimuth and elevation, degrees.
        one_lens: Whether all views of an asset have one field of view.
        seed: Root seed.
    """

    ranges: Ranges = Ranges()  # noqa: RUF009 (immutable)
    lightings: tuple[Lighting, ...] = (Lighting(),)
    grid: tuple[int, int] | None = None
    jitter: Range = (10.0, 5.0)
    one_lens: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.grid is not None and min(self.grid) < 1:
            raise InputError("--grid", "x".join(map(str, self.grid)), "AZIMUTHSxELEVATIONS, 1 or more each")
        if not all(0.0 <= most <= 360.0 for most in self.jitter):
            raise InputError("--jitter", "{:g},{:g}".format(*self.jitter), "0 to 360 each")

    @property
    def origin(self) -> Origin:
        """Nothing but the settings."""
        return Origin(f"objects/{self.seed}", "", "")

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of cameras and of all lighting."""
        return ("camera", "light", *PRESETS)

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that it depends on, as JSON data."""
        return asdict(self)

    def nodes(self, asset: str, view: int, views: int, attempt: int = 0) -> tuple[SceneNode, ...]:
        """The nodes of camera and light; see ``Looks``."""
        cell = self.cells(asset, views)[view]
        seen = self.viewpoint(asset, view, cell, attempt)
        return SceneNode("camera", "camera", "camera", 0, asdict(seen)), *self._lighting(cell).nodes(0)

    def told(self, asset: str, view: int, views: int) -> Mapping[str, Any]:
        """Ranges as in Objaverse-XL's metadata, and the lighting; see ``Looks``."""
        ranges = {
            "camera_radius_range": list(self.ranges.radii),
            "elevation_range_degrees": list(self.ranges.elevations),
            "fov_degrees_range": list(self.ranges.fov),
        }
        return {"ranges": ranges, "lighting": asdict(self._lighting(self.cells(asset, views)[view]))}

    def _lighting(self, cell: tuple[int, int]) -> Lighting:
        return self.lightings[cell[1]]

    @cached_property
    def directions(self) -> tuple[tuple[float, float], ...]:
        """Azimuth and elevation of each viewpoint of the grid, degrees; empty without one."""
        return () if self.grid is None else tuple(self.ranges.grid(*self.grid))

    def cells(self, asset: str, num: int) -> list[tuple[int, int]]:
        """The cells of an asset's views: index of the viewpoint, 0 without a grid, and of the lighting.

        Args:
            asset: Its name, which the order depends on.
            num: Views.
        """
        across = len(self.lightings)
        product = max(len(self.directions), 1) * across
        rounds = -(-num // product)
        rng = stream(self.seed, f"objects/cells/{asset}")
        order = [int(cell) for _ in range(rounds) for cell in rng.permutation(product)]
        return [divmod(cell, across) for cell in order[:num]]

    def viewpoint(self, asset: str, view: int, cell: tuple[int, int], attempt: int = 0) -> Viewpoint:
        """The viewpoint of a view.

        Args:
            asset: Name of the asset.
            view: Number of the view.
            cell: Its cell, see ``cells``.
            attempt: How many viewpoints have been found wanting before; each one is another draw.
        """
        rng, ranges = stream(self.seed, f"objects/view/{asset}/{attempt}", view), self.ranges
        if self.one_lens:
            fov = stream(self.seed, f"objects/lens/{asset}").uniform(*ranges.fov)
            ranges = replace(ranges, fov=(fov, fov))
        if not self.directions:
            return ranges.draw(rng)
        return ranges.near(*self.directions[cell[0]], self.jitter, rng)
