"""Statistics of a dataset's images, as histograms whose counts sum to the valid pixels.

They are gathered part by part and merged in the order of the plan, so that an export that was interrupted
ends with the same numbers. What Hypersim publishes of its images is all here: the distributions of
depth, normals and colour, the pixels of each class and the objects in an image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.files import write_json
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample

NAME = "statistics.json"
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


@dataclass(frozen=True)
class Bins:
    """Equal bins of values or of their decimal logarithms; the outer ones also count what lies beyond.

    Attributes:
        low: Lower edge of the first bin, in values.
        high: Upper edge of the last.
        number: How many.
        logarithmic: Whether they are equal in the logarithm.
    """

    low: float
    high: float
    number: int
    logarithmic: bool = False

    def edges(self) -> npt.NDArray[np.float64]:
        """Edges (number + 1,)."""
        space = np.geomspace if self.logarithmic else np.linspace
        return space(self.low, self.high, self.number + 1)

    def count(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """How many of some values lie in each bin."""
        low, high = self.low, self.high
        if self.logarithmic:
            values = np.log10(np.maximum(values, low))
            low, high = np.log10(low), np.log10(high)
        bins = np.floor((values - low) * (self.number / (high - low)))
        return np.bincount(np.clip(bins, 0, self.number - 1).astype(np.int64), minlength=self.number)


_LIGHT = Bins(1e-4, 1e4, 160, logarithmic=True)
_LENGTH = Bins(1e-2, 1e3, 200, logarithmic=True)
_UNIT = Bins(-1, 1, 64)
_FLOW = Bins(-64, 64, 256)

BINS = {
    Modality.RGB: Bins(0, 256, 256),
    Modality.HDR: _LIGHT,
    Modality.REFLECTANCE: Bins(0, 1, 64),
    Modality.ILLUMINATION: _LIGHT,
    Modality.RESIDUAL: _LIGHT,
    Modality.DEPTH: _LENGTH,
    Modality.DISTANCE: _LENGTH,
    Modality.POSITION: Bins(-50, 50, 400),
    Modality.NORMAL: _UNIT,
    Modality.NORMAL_GEOMETRIC: _UNIT,
    Modality.FLOW_FORWARD: _FLOW,
    Modality.FLOW_BACKWARD: _FLOW,
    Modality.UV: Bins(0, 1, 64),
    Modality.MASK: Bins(0, 2, 2),
    Modality.AFFORDANCE: Bins(0, 2, 2),
}
"""Bins of each modality whose values are quantities; the others are ids."""


class Statistics:
    """What the samples of a part look like.

    Attributes:
        modalities: Of each quantity: pixels, valid pixels (all channels finite), and of each channel the sum,
            the sum of squares, the least and greatest value and the counts of ``BINS``.
        classes: Pixels of each class id.
        instances: Images by the number of instances that are visible.
        attributes: Count, sum, sum of squares, least and greatest value of ``node.attribute``.
    """

    def __init__(self) -> None:
        self.modalities: dict[str, dict[str, Any]] = {}
        self.classes: Counter[str] = Counter()
        self.instances: Counter[str] = Counter()
        self.attributes: dict[str, list[float]] = {}

    def add(self, sample: Sample) -> None:
        """Counts a sample in."""
        for modality, image in sample.images.items():
            if modality in BINS:
                self._merge_modality(modality, _measure(image, BINS[modality]))
        if Modality.SEMANTIC in sample.images:
            counts = np.bincount(sample.images[Modality.SEMANTIC].ravel())
            self.classes.update({str(i): int(counts[i]) for i in np.flatnonzero(counts)})
        if Modality.INSTANCE in sample.images:
            visible = np.bincount(sample.images[Modality.INSTANCE].ravel())[1:] > 0
            self.instances[str(visible.sum())] += 1
        for node in sample.graph.nodes:
            for name, value in node.attributes.items():
                self._merge_attribute(f"{node.name}.{name}", [1, value, value * value, value, value])

    def merge(self, other: Mapping[str, Any]) -> None:
        """Counts another part in, as ``to_json`` gave it."""
        for modality, measured in other["modalities"].items():
            self._merge_modality(modality, measured)
        self.classes.update(other["classes"])
        self.instances.update(other["instances"])
        for name, moments in other["attributes"].items():
            self._merge_attribute(name, moments)

    def to_json(self) -> dict[str, Any]:
        """All counts and sums, exactly."""
        return {
            "modalities": {
                m: {**measured, "counts": np.asarray(measured["counts"]).tolist()}
                for m, measured in self.modalities.items()
            },
            "classes": dict(self.classes),
            "instances": dict(self.instances),
            "attributes": self.attributes,
        }

    def _merge_modality(self, modality: str, new: Mapping[str, Any]) -> None:
        old = self.modalities.get(modality)
        if old is None:
            self.modalities[modality] = dict(new)
            return
        old["low"] = _pairwise(min, old["low"], new["low"])
        old["high"] = _pairwise(max, old["high"], new["high"])
        for key in ("sums", "squares"):
            old[key] = _pairwise(lambda a, b: a + b, old[key], new[key])
        for key in ("pixels", "valid"):
            old[key] += new[key]
        old["counts"] = np.add(old["counts"], new["counts"])

    def _merge_attribute(self, name: str, new: Sequence[float]) -> None:
        old = self.attributes.get(name)
        if old is None:
            self.attributes[name] = list(new)
            return
        sums = (a + b for a, b in zip(old[:3], new[:3], strict=True))
        self.attributes[name] = [*sums, min(old[3], new[3]), max(old[4], new[4])]


def _pairwise(join: Any, old: Sequence[float | None], new: Sequence[float | None]) -> list[float | None]:
    """Joins values channel by channel; ``None`` stands where a part had no valid pixel."""
    return [b if a is None else a if b is None else join(a, b) for a, b in zip(old, new, strict=True)]


def _measure(image: npt.NDArray[Any], bins: Bins) -> dict[str, Any]:
    channels = np.moveaxis(np.atleast_3d(image), -1, 0).reshape(-1, image.shape[0] * image.shape[1])
    if image.dtype in (np.bool_, np.uint8):  # each value has a bin of its own, whose count says all
        return _measure_counts([np.bincount(c, minlength=bins.number) for c in channels.astype(np.uint8)])
    valid = np.logical_and.reduce([np.isfinite(channel) for channel in channels])
    values = [channel[valid].astype(np.float64) for channel in channels]
    return {
        "pixels": len(valid),
        "valid": int(valid.sum()),
        "sums": [float(v.sum()) for v in values],
        "squares": [float(np.square(v).sum()) for v in values],
        "low": [float(v.min()) if v.size else None for v in values],
        "high": [float(v.max()) if v.size else None for v in values],
        "counts": np.array([bins.count(v) for v in values]),
    }


def _measure_counts(counts: Sequence[npt.NDArray[np.int64]]) -> dict[str, Any]:
    number, values = int(counts[0].sum()), np.arange(len(counts[0]))
    found = [np.flatnonzero(c) for c in counts]
    return {
        "pixels": number,
        "valid": number,
        "sums": [float(c @ values) for c in counts],
        "squares": [float(c @ values**2) for c in counts],
        "low": [float(f[0]) for f in found],
        "high": [float(f[-1]) for f in found],
        "counts": np.array(counts),
    }


def write_statistics(out: Path, parts: Iterable[Mapping[str, Any]], class_names: Sequence[str]) -> str:
    """Writes the statistics of a dataset.

    Args:
        out: Folder in which the file is made.
        parts: Statistics of the parts, in the order of the plan.
        class_names: All classes; class ids are 1 + the index here.

    Returns:
        Its path within the dataset.
    """
    write_json(out / NAME, summarise(parts, class_names))
    return NAME


def summarise(parts: Iterable[Mapping[str, Any]], class_names: Sequence[str]) -> dict[str, Any]:
    """Means, spreads, percentiles and histograms of all parts together."""
    total = Statistics()
    for part in parts:
        total.merge(part)
    names = ("background", *class_names)
    return {
        "modalities": {m: _describe(total.modalities[m], BINS[m]) for m in BINS if m in total.modalities},
        "pixels_by_class": {names[int(i)]: total.classes[i] for i in sorted(total.classes, key=int)},
        "images_by_visible_instances": {n: total.instances[n] for n in sorted(total.instances, key=int)},
        "attributes": {name: _moments(total.attributes[name]) for name in sorted(total.attributes)},
    }


def _describe(measured: Mapping[str, Any], bins: Bins) -> dict[str, Any]:
    number, edges = measured["valid"], bins.edges()
    moments = zip(measured["sums"], measured["squares"], strict=True)
    channels = [_mean_std(number, total, square) for total, square in moments] if number else []
    return {
        "pixels": measured["pixels"],
        "valid": number,
        "mean": [mean for mean, _ in channels],
        "std": [std for _, std in channels],
        "min": measured["low"] if number else [],
        "max": measured["high"] if number else [],
        "percentiles": {
            str(p): [_percentile(np.array(counts), edges, p) for counts in measured["counts"]]
            for p in PERCENTILES
            if number
        },
        "histogram": {"bins": asdict(bins), "counts": np.asarray(measured["counts"]).tolist()},
    }


def _mean_std(number: float, total: float, squares: float) -> tuple[float, float]:
    mean = total / number
    return mean, max(squares / number - mean * mean, 0.0) ** 0.5


def _percentile(counts: npt.NDArray[np.int64], edges: npt.NDArray[np.float64], percent: float) -> float:
    """The value below which a share lies, to the width of a bin."""
    below = np.concatenate([[0], np.cumsum(counts)])
    return float(np.interp(percent / 100 * below[-1], below, edges))


def _moments(sums: Sequence[float]) -> dict[str, float]:
    number, total, squares, low, high = sums
    mean, std = _mean_std(number, total, squares)
    return {"count": int(number), "mean": mean, "std": std, "min": low, "max": high}
