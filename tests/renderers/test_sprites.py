"""Laws of the sprites engine: geometry, gradients, ink, exemplars."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.sprites.exemplars import DIGITS, SPRITE_SIZE, Split, load_exemplars
from renderers.sprites.idx import read_idx
from renderers.sprites.paint import Pose, paint
from renderers.sprites.renderer import SpritesRenderer

RGB = frozenset({Pass.RGB})
ALL_PASSES = frozenset({Pass.RGB, Pass.INSTANCE, Pass.CLASS})
CANVAS = (96, 96)

unit = st.floats(0, 1, exclude_max=True)
digits = st.sampled_from(DIGITS)


def graph(*children: tuple[str, dict[str, float]]) -> SceneGraph:
    nodes = [SceneNode(f"node_{i}", "thing", cls, 0, values) for i, (cls, values) in enumerate(children, 1)]
    return SceneGraph((SceneNode("image", "image", "image", None, {}), *nodes))


def sprite(cls: str, instance: float) -> torch.Tensor:
    found = load_exemplars(None, "all")
    return found.images[[found.index(cls, instance)]].double() / 255


def draw(ink: torch.Tensor, x: float, y: float, yaw: float, scale: float = 1.0) -> torch.Tensor:
    return paint(ink, Pose(*torch.tensor([[x], [y], [yaw], [scale]], dtype=torch.float64)), CANVAS)[0]


@settings(max_examples=40)
@given(digits, unit, st.floats(30, 60), st.floats(30, 60), st.floats(0, 360))
def test_two_quarter_turns_are_a_half_turn(cls: str, instance: float, x: float, y: float, yaw: float) -> None:
    ink = sprite(cls, instance)
    turned = ink.rot90(1, (1, 2))
    torch.testing.assert_close(draw(turned, x, y, yaw), draw(ink, x, y, yaw + 90), atol=1e-9, rtol=0)
    torch.testing.assert_close(draw(turned, x, y, yaw + 90), draw(ink, x, y, yaw + 180), atol=1e-9, rtol=0)


@settings(max_examples=40)
@given(digits, unit, st.floats(0, 360), st.floats(0.5, 1.2), st.integers(-12, 12), st.integers(-12, 12))
def test_whole_pixels_of_translation_shift_the_image(
    cls: str, instance: float, yaw: float, scale: float, dx: int, dy: int
) -> None:
    ink = sprite(cls, instance)
    here, there = draw(ink, 48.3, 47.8, yaw, scale), draw(ink, 48.3 + dx, 47.8 + dy, yaw, scale)
    torch.testing.assert_close(there, here.roll((dy, dx), (0, 1)), atol=1e-9, rtol=0)


@settings(max_examples=40)
@given(digits, unit)
def test_an_unturned_sprite_at_a_whole_position_is_copied(cls: str, instance: float) -> None:
    ink = sprite(cls, instance)
    canvas = draw(ink, 48, 48, 0)
    edge = 48 - SPRITE_SIZE // 2
    inside = slice(edge, edge + SPRITE_SIZE)
    torch.testing.assert_close(canvas[inside, inside], ink[0], atol=1e-9, rtol=0)
    assert float(canvas.sum()) == pytest.approx(float(ink.sum()))


def ink_lost_at_most(ink: np.ndarray, yaw: float) -> float:
    """Greatest amount of ink (h, w) that a turned sprite can gain or lose by sampling at whole pixels.

    What is drawn sums the sprite's bilinear interpolant over a turned lattice. By Poisson's summation
    formula it differs from the ink by the interpolant's spectrum, which is that of the pixels times
    sinc(u)^2 sinc(v)^2, summed over the turned dual lattice without its origin, with phases set by place.
    """
    k, m = np.mgrid[-12:13, -12:13].reshape(2, -1)
    turn = np.deg2rad(yaw)
    u, v = np.cos(turn) * k - np.sin(turn) * m, np.sin(turn) * k + np.cos(turn) * m
    rows, columns = (np.arange(side) for side in ink.shape)
    spectrum = np.einsum(
        "kr,rc,kc->k", np.exp(2j * np.pi * v[:, None] * rows), ink, np.exp(2j * np.pi * u[:, None] * columns)
    )
    parts = np.abs(spectrum) * np.sinc(u) ** 2 * np.sinc(v) ** 2
    beyond_twelve_cycles = 1e-3 * ink.sum()
    return float(parts.sum() - ink.sum() + beyond_twelve_cycles)


@settings(max_examples=60)
@given(digits, unit, st.floats(40, 56), st.floats(40, 56), st.floats(0, 360))
def test_translation_keeps_ink_exactly_and_rotation_nearly(
    cls: str, instance: float, x: float, y: float, yaw: float
) -> None:
    ink = sprite(cls, instance)
    mass, bound = float(ink.sum()), ink_lost_at_most(ink[0].numpy(), yaw)
    assert float(draw(ink, x, y, 0).sum()) == pytest.approx(mass, rel=1e-9)
    assert float(draw(ink, x, y, yaw).sum()) == pytest.approx(mass, abs=bound)
    assert bound < 0.05 * mass


@settings(max_examples=30)
@given(digits, unit, st.floats(20, 44), st.floats(0, 360), st.floats(0.6, 1.3))
def test_the_box_of_the_mask_is_that_of_the_bright_pixels(
    cls: str, instance: float, x: float, yaw: float, scale: float
) -> None:
    pose = {"loc_x": x, "loc_y": 30.0, "yaw": yaw, "scale": scale, "instance": instance}
    frame = SpritesRenderer(64).render([graph((cls, pose))], ALL_PASSES, 0)[0]
    bright, mask = (
        np.asarray(frame[Pass.RGB], np.int64)[..., 0] >= 128,
        np.asarray(frame[Pass.INSTANCE], bool),
    )
    for axis in (0, 1):
        assert (
            np.flatnonzero(bright.any(axis))[[0, -1]].tolist()
            == np.flatnonzero(mask.any(axis))[[0, -1]].tolist()
        )


def test_yaw_turns_counter_clockwise_as_the_image_is_seen() -> None:
    ink = torch.zeros(1, 28, 28).double()
    ink[0, :6, 11:17] = 1.0  # a blob on top
    rows, columns = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    for yaw, (right, down) in {0: (0, -11), 90: (-11, 0), 180: (0, 11), 270: (11, 0)}.items():
        canvas = draw(ink, 48, 48, yaw)
        x, y = (float((canvas * axis).sum() / canvas.sum()) + 0.5 - 48 for axis in (columns, rows))
        assert (x, y) == pytest.approx((right, down), abs=1e-6)


@pytest.mark.parametrize("name", ["loc_x", "loc_y", "yaw", "scale", "brightness"])
def test_gradients_agree_with_central_differences(name: str) -> None:
    start = {"loc_x": 30.21, "loc_y": 33.77, "yaw": 37.3, "scale": 0.93, "brightness": 0.8}
    scenes = [graph(("background", {"level": 0.3, "texture": 0.1}), (cls, start)) for cls in DIGITS]
    engine = SpritesRenderer(64)
    weight = torch.rand(64, 64, generator=torch.Generator().manual_seed(3)).double()

    def loss(value: torch.Tensor) -> torch.Tensor:
        image = engine.render_tensor(scenes, {("node_2", name): value})
        return (image[:, 0] * weight).sum((1, 2))

    value = torch.full((len(scenes),), start[name], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(value).sum(), value)
    step = (
        1e-7  # short, as bilinear sampling has kinks; differences of 1e-7 keep 8 digits in double precision
    )
    with torch.no_grad():
        difference = (loss(value + step) - loss(value - step)) / (2 * step)
    torch.testing.assert_close(gradient, difference, rtol=1e-4, atol=1e-4)
    assert float(gradient.abs().min()) > 1e-3


def test_light_has_a_gradient_and_scales_the_image() -> None:
    scenes = [graph(("3", {}), ("light", {"intensity": 0.5}))] * 2
    engine = SpritesRenderer(32)
    value = torch.tensor([0.2, 0.4], dtype=torch.float64, requires_grad=True)
    image = engine.render_tensor(scenes, {("node_2", "intensity"): value})
    torch.testing.assert_close(image[1], 2 * image[0])
    (gradient,) = torch.autograd.grad(image.sum(), value)
    torch.testing.assert_close(gradient, image.detach().sum((1, 2, 3)) / value.detach())


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(
            st.tuples(
                digits,
                st.fixed_dictionaries(
                    {
                        "loc_x": st.floats(0, 40),
                        "loc_y": st.floats(0, 40),
                        "yaw": st.floats(0, 360),
                        "instance": unit,
                    }
                ),
            ),
            max_size=3,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_bytes_equal_the_tensor_and_do_not_depend_on_company(
    contents: list[list[tuple[str, dict[str, float]]]],
) -> None:
    scenes = [graph(*content) for content in contents]
    engine = SpritesRenderer(40)
    together = engine.render(scenes, ALL_PASSES, 0)
    for scene, frame in zip(scenes, together, strict=True):
        alone = engine.render([scene], ALL_PASSES, 5)[0]
        assert all((alone[name] == frame[name]).all() for name in ALL_PASSES)
        tensor = (engine.render_tensor([scene], {})[0] * 255).round().to(torch.uint8)
        assert (tensor.permute(1, 2, 0).numpy() == frame[Pass.RGB]).all()


def test_later_digits_cover_earlier_ones_and_ids_name_them() -> None:
    front, behind = ("1", {"brightness": 0.4}), ("0", {"loc_x": 18.0})
    scene = graph(behind, front)
    frame = SpritesRenderer(32).render([scene], ALL_PASSES, 0)[0]
    ids = np.asarray(frame[Pass.INSTANCE], np.int32)
    one = np.asarray(SpritesRenderer(32).render([graph(front)], ALL_PASSES, 0)[0][Pass.INSTANCE], bool)
    assert (ids[one] == 3).all()
    assert set(np.unique(ids)) == {0, 2, 3}
    by_instance = np.array([0, 0, 1, 2])  # classes 0 and 1 have ids 1 and 2
    assert (frame[Pass.CLASS] == by_instance[ids]).all()
    assert frame[Pass.RGB][one].max() <= round(0.4 * 255) + 255 // 2


def test_class_ids_count_in_the_schema_given() -> None:
    engine = SpritesRenderer(32, classes=("image", "light", "7"))
    frame = engine.render([graph(("7", {}))], ALL_PASSES, 0)[0]
    assert set(np.unique(frame[Pass.CLASS])) == {0, 3}
    with pytest.raises(InputError, match="no 8"):
        engine.render([graph(("8", {}))], ALL_PASSES, 0)


def test_background_has_the_level_and_deviation_it_is_given() -> None:
    scenes = [graph(("background", {"level": 0.5, "texture": 0.1, "phase": p / 7})) for p in range(7)]
    images = SpritesRenderer(64).render_tensor(scenes, {})[:, 0]
    assert float(images.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(images.std()) == pytest.approx(0.1, abs=0.02)
    assert float((images[0] - images[1]).abs().mean()) > 0.02


def test_even_and_odd_exemplars_are_disjoint_and_together_all() -> None:
    even, odd, every = (load_exemplars(None, split) for split in ("even", "odd", "all"))
    for e, o, a in zip(even.members, odd.members, every.members, strict=True):
        assert not set(e) & set(o)
        assert set(e) | set(o) == set(a)
        assert 0 <= len(e) - len(o) <= 1
    images = [{bytes(found.images[i].numpy()) for m in found.members for i in m} for found in (even, odd)]
    assert not images[0] & images[1]


@given(digits, unit)
def test_instance_reaches_exemplars_of_its_class_only(cls: str, instance: float) -> None:
    found = load_exemplars(None, "all")
    members = found.members[int(cls)]
    assert found.index(cls, instance) in members
    middles = [(k + 0.5) / len(members) for k in range(len(members))]
    assert [found.index(cls, middle) for middle in middles] == list(members)


def write_idx(path: Path, values: np.ndarray, zipped: bool) -> None:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    data = header + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if zipped else data)


def write_digits(folder: Path, zipped: bool) -> np.ndarray:
    images = np.random.default_rng(1).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    ending = ".gz" if zipped else ""
    write_idx(folder / f"train-images-idx3-ubyte{ending}", images, zipped)
    write_idx(folder / f"train-labels-idx1-ubyte{ending}", np.arange(20) % 10, zipped)
    return images


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(("split", "index"), [("even", 7), ("odd", 17)])
def test_idx_digits_are_drawn_as_they_lie_in_the_file(
    tmp_path: Path, zipped: bool, split: Split, index: int
) -> None:
    images = write_digits(tmp_path, zipped)
    engine = SpritesRenderer(28, digits=tmp_path, split=split)
    frame = engine.render([graph(("7", {}))], RGB, 0)[0]
    assert (frame[Pass.RGB][..., 0] == images[index]).all()
    file = next(tmp_path.glob("*images*"))
    assert (load_exemplars(file, "all").images.numpy() == images).all()


def test_broken_idx_files_are_refused_by_name(tmp_path: Path) -> None:
    write_digits(tmp_path, zipped=False)
    images, labels = tmp_path / "train-images-idx3-ubyte", tmp_path / "train-labels-idx1-ubyte"
    whole, named = images.read_bytes(), labels.read_bytes()
    broken = (
        b"",
        b"\0\0",
        whole[:7],
        whole[:-1],
        whole + b"\0",
        b"\0\0\x09" + whole[3:],
        named,
        b"\x1f\x8b!!",
    )
    for content in broken:
        images.write_bytes(content)
        with pytest.raises(InputError, match="train-images"):
            load_exemplars(tmp_path, "all")
    images.write_bytes(gzip.compress(whole)[:-9])
    with pytest.raises(InputError, match="readable idx"):
        read_idx(images, 3)
    images.write_bytes(whole)
    for wrong, message in (
        (np.arange(19) % 10, "19 labels"),
        (np.arange(20), "label 19"),
        (np.zeros(20), "no exemplar"),
    ):
        write_idx(labels, wrong, zipped=False)
        with pytest.raises(InputError, match=message):
            load_exemplars(tmp_path, "all")
    labels.unlink()
    with pytest.raises(InputError, match="train-labels"):
        load_exemplars(tmp_path, "all")
    with pytest.raises(InputError, match="absent"):
        load_exemplars(tmp_path / "absent", "all")


@pytest.mark.parametrize("size", [0, [32], [32, 0], [1.5, 2]])
def test_sizes_out_of_range_are_refused(size: object) -> None:
    with pytest.raises(InputError, match=r"renderer\.size"):
        SpritesRenderer(size)  # type: ignore[arg-type]


def test_values_beyond_the_engine_are_refused() -> None:
    engine = SpritesRenderer((20, 30))
    assert engine.render([graph()], RGB, 0)[0][Pass.RGB].shape == (20, 30, 3)
    with pytest.raises(InputError, match="scale"):
        engine.render([graph(("3", {"scale": 0.0}))], RGB, 0)
    with pytest.raises(InputError, match="nowhere"):
        engine.render_tensor([graph(("3", {}))], {("nowhere", "yaw"): torch.zeros(1)})
    with pytest.raises(InputError, match="not alike"):
        engine.render_tensor([graph(("3", {})), graph()], {})
    engine.close()
    with pytest.raises(MetasimError, match="closed"):
        engine.render([graph()], RGB, 0)
