"""Capacity: what so many images cost on so many workers, from a few that were measured.

A scene takes ``scene_s + pixels * (pixel_s + samples * path_s)`` seconds of a worker, leaves ``scene_b +
pixels * pixel_b`` bytes on disk and sends ``scene_n + pixels * pixel_n`` over the network, fitted by least
squares without negative terms. The process that hands scenes out spends ``driver_s`` on each, and ``byte_s``
on each byte that it sends or gets, so that there is a number of workers from which on more do not help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from metasim.base.errors import MetasimError

HOUR_S = 3600.0


@dataclass(frozen=True)
class Sighting:
    """What was measured of scenes of one kind.

    Attributes:
        px: Side of the images, pixels.
        samples: Light paths a pixel.
        seconds: Seconds of a processor that a worker takes for a scene.
        bytes: Bytes of a sample in the dataset.
        sent: Bytes of a scene and its frame between the process that hands it out and a worker.
    """

    px: int
    samples: int
    seconds: float
    bytes: float
    sent: float


@dataclass(frozen=True)
class Capacity:
    """A cost model.

    Attributes:
        scene_s: Seconds a scene, whatever its size.
        pixel_s: Seconds a pixel.
        path_s: Seconds a light path.
        scene_b: Bytes a sample, whatever its size.
        pixel_b: Bytes a pixel.
        scene_n: Bytes of a scene over the network, whatever its size.
        pixel_n: Bytes over the network a pixel.
        driver_s: Seconds of one processor that handing out a scene takes.
        byte_s: Seconds of it that a byte over the network takes.
        start_s: Seconds until workers render.
    """

    scene_s: float
    pixel_s: float
    path_s: float
    scene_b: float
    pixel_b: float
    scene_n: float
    pixel_n: float
    driver_s: float
    byte_s: float
    start_s: float

    @classmethod
    def fit(cls, sightings: Sequence[Sighting], driver_s: float, byte_s: float, start_s: float) -> Capacity:
        """The model nearest to what was measured, relative errors counted.

        Args:
            sightings: Three at least, of two sizes and two numbers of samples at least.
            driver_s: Seconds of one processor that handing out a scene takes.
            byte_s: Seconds of it that a byte over the network takes.
            start_s: Seconds until workers render.

        Raises:
            MetasimError: If they do not determine it.
        """
        pixels = np.array([float(s.px) ** 2 for s in sightings])
        terms = np.stack([np.ones_like(pixels), pixels, pixels * [s.samples for s in sightings]], 1)
        if np.linalg.matrix_rank(terms / terms.max(0)) < terms.shape[1]:
            raise MetasimError("sizes and samples that were measured do not tell their costs apart")
        seconds = np.array([s.seconds for s in sightings])
        written, sent = (np.array([getattr(s, name) for s in sightings]) for name in ("bytes", "sent"))
        scene_s, pixel_s, path_s = _fit(terms, seconds)
        scene_b, pixel_b = _fit(terms[:, :2], written)
        scene_n, pixel_n = _fit(terms[:, :2], sent)
        return cls(scene_s, pixel_s, path_s, scene_b, pixel_b, scene_n, pixel_n, driver_s, byte_s, start_s)

    def seconds(self, px: int, samples: int) -> float:
        """Seconds of a worker a scene."""
        return self.scene_s + px**2 * (self.pixel_s + samples * self.path_s)

    def sent(self, px: int) -> float:
        """Bytes over the network a scene."""
        return self.scene_n + px**2 * self.pixel_n

    def handing(self, px: int) -> float:
        """Seconds of the process that hands scenes out, a scene."""
        return self.driver_s + self.byte_s * self.sent(px)

    def saturation(self, px: int, samples: int) -> float:
        """Workers from which on more of them render no faster."""
        return self.seconds(px, samples) / self.handing(px)

    def hours(self, images: float, workers: int, px: int, samples: int) -> float:
        """Hours by the clock."""
        each = max(self.seconds(px, samples) / workers, self.handing(px))
        return (self.start_s + images * each) / HOUR_S

    def row(self, images: float, workers: int, px: int, samples: int, price: float | None) -> dict[str, Any]:
        """All that is known of an export, as JSON data.

        Args:
            images: Images of it.
            workers: Workers, a processor each.
            px: Side of the images, pixels.
            samples: Light paths a pixel.
            price: Dollars an hour of a processor, if dollars are asked for.
        """
        hours = self.hours(images, workers, px, samples)
        return {
            "images": round(images),
            "workers": workers,
            "px": px,
            "samples": samples,
            "hours": hours,
            "dollars": None if price is None else hours * workers * price,
            "gigabytes": images * (self.scene_b + px**2 * self.pixel_b) / 1e9,
            "network_gigabytes": images * self.sent(px) / 1e9,
            "driver_saturated": workers >= self.saturation(px, samples),
        }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a Markdown table, a line for each number of images and a column for each of workers."""
    workers = list(dict.fromkeys(row["workers"] for row in rows))
    lines = ["| images | GB on disk | GB sent | " + " | ".join(f"{w} workers" for w in workers) + " |"]
    lines.append("|" + "---:|" * (3 + len(workers)))
    for images in dict.fromkeys(row["images"] for row in rows):
        cells = {row["workers"]: row for row in rows if row["images"] == images}
        texts = [_cell(cells[w]) for w in workers]
        disk, sent = (cells[workers[0]][name] for name in ("gigabytes", "network_gigabytes"))
        lines.append(f"| {images:.0e} | {disk:,.1f} | {sent:,.1f} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any]) -> str:
    dollars = "" if row["dollars"] is None else f", ${row['dollars']:,.0f}"
    return f"{row['hours']:,.1f} h{dollars}" + (" (driver)" if row["driver_saturated"] else "")


def _fit(terms: np.ndarray, values: np.ndarray) -> tuple[float, ...]:
    """Coefficients, none negative, that give the values with the least relative errors."""
    scale = terms.max(0)
    found, _ = nnls(terms / scale / values[:, None], np.ones(len(values)))
    return tuple(float(c) for c in found / scale)
