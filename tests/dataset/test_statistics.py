"""Laws of the statistics: they count every valid pixel once, however the samples are dealt to parts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.dataset.modality import Modality
from metasim.dataset.sample import Origin, Provenance, Sample
from metasim.dataset.statistics import BINS, PERCENTILES, Bins, Statistics, summarise
from metasim.scene.graph import SceneGraph, SceneNode

SHAPE = (7, 5)
ORIGIN = Origin("cups/0", "", "")


def sample(index: int) -> Sample:
    rng = np.random.default_rng(index)
    instance = rng.integers(0, 3, SHAPE, dtype=np.int32)
    depth = np.where(instance > 0, rng.lognormal(0, 1, SHAPE), np.inf).astype(np.float32)
    images = {
        Modality.RGB: rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8),
        Modality.DEPTH: depth,
        Modality.NORMAL: np.where(instance[..., None] > 0, rng.uniform(-1, 1, (*SHAPE, 3)), np.nan),
        Modality.INSTANCE: instance,
        Modality.SEMANTIC: np.minimum(instance, 1),
        Modality.MASK: instance > 0,
    }
    nodes = (
        SceneNode("room", "room", "room", None, {"light": float(index)}),
        SceneNode("cup", "cup", "cup", 0, {}),
    )
    made = Provenance(ORIGIN, 0, index, 0)
    return Sample(f"{index:08d}", "train", SceneGraph(nodes), None, images, None, made)


def gathered(samples: list[Sample]) -> dict:
    statistics = Statistics()
    for one in samples:
        statistics.add(one)
    return json.loads(json.dumps(statistics.to_json()))


def test_histograms_sum_to_the_valid_pixels() -> None:
    samples = [sample(index) for index in range(6)]
    found = summarise([gathered(samples)], ("room", "cup"))
    for modality, of in found["modalities"].items():
        images = [s.images[modality].reshape(SHAPE[0] * SHAPE[1], -1) for s in samples]
        pixels = np.concatenate(images).astype(np.float64)
        valid = pixels[np.isfinite(pixels).all(axis=1)]
        assert (of["pixels"], of["valid"]) == (len(pixels), len(valid))
        assert [sum(counts) for counts in of["histogram"]["counts"]] == [len(valid)] * pixels.shape[1]
        np.testing.assert_allclose(of["mean"], valid.mean(axis=0))
        np.testing.assert_allclose(of["std"], valid.std(axis=0))
        np.testing.assert_array_equal([of["min"], of["max"]], [valid.min(axis=0), valid.max(axis=0)])


def test_pixels_of_classes_and_visible_instances_are_those_of_the_images() -> None:
    samples = [sample(index) for index in range(6)]
    found = summarise([gathered(samples)], ("room", "cup"))
    semantic = np.stack([s.images[Modality.SEMANTIC] for s in samples])
    expected = {name: int((semantic == i).sum()) for i, name in enumerate(("background", "room"))}
    assert found["pixels_by_class"] == expected
    assert sum(found["images_by_visible_instances"].values()) == len(samples)
    assert found["attributes"]["room.light"] == pytest.approx(
        {"count": 6, "mean": 2.5, "std": np.std(range(6)), "min": 0, "max": 5}
    )


@given(st.integers(0, 6))
def test_parts_together_have_the_counts_of_the_whole(cut: int) -> None:
    samples = [sample(index) for index in range(6)]
    whole = summarise([gathered(samples)], ("room", "cup"))
    parts = summarise([gathered(samples[:cut]), gathered(samples[cut:])], ("room", "cup"))
    for modality, of in whole["modalities"].items():
        assert of["histogram"] == parts["modalities"][modality]["histogram"]
        np.testing.assert_allclose(of["mean"], parts["modalities"][modality]["mean"])
        assert of["min"] == parts["modalities"][modality]["min"]
    assert whole["pixels_by_class"] == parts["pixels_by_class"]


@given(st.sampled_from([Bins(-1, 1, 64), Bins(1e-2, 1e3, 200, logarithmic=True)]), st.integers(0, 99))
def test_percentiles_are_right_to_the_width_of_a_bin(bins: Bins, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(0.02, 1, 5000)
    edges, counts = bins.edges(), bins.count(values)
    below = np.concatenate([[0], np.cumsum(counts)])
    for percent in PERCENTILES:
        exact = np.quantile(values, percent / 100, method="inverted_cdf")
        found = np.interp(percent / 100 * len(values), below, edges)
        at = np.searchsorted(edges, exact)
        assert abs(found - exact) <= edges[min(at + 1, len(edges) - 1)] - edges[max(at - 2, 0)]


def test_what_lies_beyond_the_bins_is_counted_in_the_outer_ones() -> None:
    for bins in BINS.values():
        values = np.array([bins.low - 1e3, bins.low, bins.high, bins.high + 1e6])
        counts = bins.count(values)
        assert counts.sum() == len(values)
        assert counts[0] >= 2
        assert counts[-1] >= 1
