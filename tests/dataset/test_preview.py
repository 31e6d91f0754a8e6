"""Laws of the previews: what is drawn is where the labels say it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.dataset.colouring import (
    coloured,
    exposure,
    heat,
    hues,
    tonemap,
    wheel,
    with_boxes,
    with_solids,
)
from metasim.dataset.encode import from_png
from metasim.dataset.labels import Box, Solid
from metasim.dataset.modality import TABLES, Modality
from metasim.dataset.plan import Part
from metasim.dataset.preview import ROWS, Sheet, panels
from metasim.dataset.sample import Origin, Provenance, Sample
from metasim.rendering.camera import Camera
from metasim.scene.graph import SceneGraph, SceneNode

SIZE = (40, 60)
CAMERA = Camera(np.array([[50.0, 0, 30], [0, 50, 20], [0, 0, 1]]), np.eye(4))
PART = Part("train", 0, tuple(range(20)))
CHANNELS = {Modality.UV: 2, Modality.FLOW_FORWARD: 2, Modality.FLOW_BACKWARD: 2, Modality.AFFORDANCE: 5}
FLAT = {Modality.DEPTH, Modality.DISTANCE}
IDS = {Modality.INSTANCE, Modality.SEMANTIC, Modality.PART}


def image(modality: Modality, rng: np.random.Generator) -> np.ndarray:
    if modality in IDS:
        return rng.integers(0, 5, SIZE, dtype=np.int32)
    if modality is Modality.MASK:
        return rng.random(SIZE) > 0.5
    if modality is Modality.AFFORDANCE:
        return rng.random((*SIZE, 5)) > 0.8
    if modality is Modality.RGB:
        return rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    values = rng.standard_normal(SIZE if modality in FLAT else (*SIZE, CHANNELS.get(modality, 3)))
    values[0, 0] = np.inf if modality in FLAT else np.nan
    return values.astype(np.float32)


def sample(index: int = 0) -> Sample:
    rng = np.random.default_rng(index)
    placed = np.diag([1.0, 1, 1, 1])
    placed[2, 3] = -4
    return Sample(
        key=f"{index:08d}",
        split="train",
        graph=SceneGraph((SceneNode("room", "room", "room", None, {}),)),
        camera=CAMERA,
        images={m: image(m, rng) for m in Modality if m not in TABLES | {Modality.AMODAL}},
        boxes=(Box(1, 1, 5, 6, 20, 10),),
        provenance=Provenance(Origin("cups/0", "", ""), 0, index, 0),
        solids=(Solid(1, 1, placed),),
    )


def test_every_modality_has_a_panel_of_its_size() -> None:
    found = dict(panels(sample()))
    assert found.keys() == {*sample().images, Modality.BBOX, Modality.BBOX3D}
    for colours in found.values():
        assert (colours.shape, colours.dtype) == ((*SIZE, 3), np.uint8)


def test_the_corners_of_boxes_are_drawn_where_they_project() -> None:
    black = np.zeros((*SIZE, 3), np.uint8)
    flat = with_boxes(black, sample().boxes or ()).any(axis=-1)
    assert flat.sum() == 2 * 20 + 2 * 8
    assert flat[6, 5]
    assert flat[15, 24]
    drawn = with_solids(black, sample().solids or (), CAMERA).any(axis=-1)
    for solid in sample().solids or ():
        for x, y in CAMERA.project(solid.corners)[0]:
            assert drawn[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].any()


@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_tone_mapping_takes_the_bright_end_to_four_fifths(seed: int, gain: float) -> None:
    linear = np.random.default_rng(seed).gamma(2, gain, (30, 30, 3))
    brightness = linear @ (0.3, 0.59, 0.11) * exposure(linear)
    assert np.percentile(brightness, 90) == pytest.approx(0.8**2.2, rel=1e-6)
    np.testing.assert_array_equal(tonemap(linear), tonemap(linear * 2))
    assert exposure(linear, np.zeros((30, 30), bool)) == 1
    assert exposure(linear * 0) == 0


def test_nearer_is_brighter_and_nothing_is_black() -> None:
    depth = np.linspace(1, 5, 100, dtype=np.float32).reshape(1, -1).repeat(2, 0)
    depth[1] = np.inf
    colours = heat(depth)
    brightness = colours[0].astype(float).sum(axis=-1)
    assert brightness[0] > brightness[50] > brightness[-1]
    assert not colours[1].any()
    assert not hues(np.zeros((2, 2), int)).any()
    assert len(np.unique(hues(np.arange(1, 30)[None])[0], axis=0)) == 29


@given(st.floats(0, 1e-5), st.floats(1, 1e3), st.integers(0, 99))
def test_rounding_is_no_motion(noise: float, speed: float, seed: int) -> None:
    directions = np.random.default_rng(seed).normal(size=(9, 9, 2))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    assert not wheel(noise * directions).any()
    assert (wheel(speed * directions).max(axis=-1) > 230).all()


def test_a_sheet_shows_the_first_samples_of_a_split_and_depends_on_nothing_else() -> None:
    def sheet(number: int, part: Part = PART) -> bytes | None:
        made = Sheet(part)
        for index in range(number):
            made.add(sample(index))
        return made.png()

    assert sheet(ROWS) == sheet(ROWS + 5)
    assert sheet(ROWS) != sheet(ROWS - 1)
    assert sheet(0) is None
    assert sheet(3, Part("train", 1, (0, 1, 2))) is None
    picture = from_png(sheet(2) or b"")
    assert picture.shape[0] > 2 * SIZE[0]
    assert picture.shape[1] >= len(list(panels(sample()))) * SIZE[1]
    assert np.array_equal(picture[14:54, :60], coloured(Modality.RGB, sample(0).images[Modality.RGB]))
