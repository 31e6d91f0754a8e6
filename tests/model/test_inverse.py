"""Laws of the inverse network: built from any layout, looks where it is told, one image at a time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from metasim.base.streams import seeded_layers, torch_stream
from metasim.model.inverse import BINS, InverseNetwork, View
from metasim.model.trunk import LEVELS, CloseLook, coordinates, levels, peak_argmax, soft_argmax
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Choice, Column, SceneLayout

YAW = AttributeSpec("yaw", "deg", 0, 360, periodic=True, mutable=True)
X = AttributeSpec("x", "m", -1, 1, mutable=True)
POWER = AttributeSpec("power", "W", 0, 50, mutable=True)


def layout_of(objects: int, classes: bool) -> SceneLayout:
    """Some objects with an angle and a place, under a light."""
    names = [f"thing_{i}" for i in range(objects)]
    columns = [Column(name, "thing", spec) for name in names for spec in (YAW, X)]
    choices = [Choice(name, ("mug", "shoe", "bowl")) for name in names] if classes else []
    return SceneLayout((*columns, Column("light", "light", POWER)), tuple(choices), ("room", *names, "light"))


def network(objects: int, classes: bool = True) -> InverseNetwork:
    layout = layout_of(objects, classes)
    seen = tuple(f"thing_{i}" for i in range(objects))
    with seeded_layers(0, "test/inverse"):
        return InverseNetwork(layout, View(seen, (0.4, 0.3), 16)).eval()


def pictures(count: int, size: tuple[int, int]) -> Tensor:
    return torch.randint(
        256, (count, *size, 3), generator=torch_stream(0, "test/pictures"), dtype=torch.uint8
    )


@pytest.mark.parametrize("size", [(32, 32), (48, 80), (120, 64)])
@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("objects", [0, 1, 3])
def test_it_reads_any_layout(objects: int, classes: bool, size: tuple[int, int]) -> None:
    net, count = network(objects, classes), 2 * objects + 1
    with torch.no_grad():
        reading = net(pictures(4, size))
        units, kinds = net.sample(reading, 7, torch_stream(0, "test/draws"))
    choices = objects if classes else 0
    assert reading.bins.shape == (4, count, BINS)
    assert reading.centres.shape == (4, objects, 2)
    assert [logits.shape for logits in reading.class_logits] == [(4, 3)] * choices
    assert (units.shape, kinds.shape) == ((4, 7, count), (4, 7, choices))
    assert units.min() >= 0
    assert units.max() <= 1
    assert bool(((kinds >= 0) & (kinds < 3)).all())
    assert len(reading.summary) == 4


@pytest.mark.parametrize("objects", [0, 2])
def test_images_of_a_batch_do_not_know_each_other(objects: int) -> None:
    net, images = network(objects), pictures(5, (40, 56))
    with torch.no_grad():
        together, alone = net(images).summary, torch.cat([net(image[None]).summary for image in images])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_draws_of_an_image_belong_to_it() -> None:
    """Features repeated for many draws stay with their image: a huge shift of one moves its draws alone."""
    net = network(1)
    with torch.no_grad():
        reading = net(pictures(3, (32, 32)))
        for logits in reading.class_logits:
            logits.copy_(torch.tensor([[50.0, 0, 0], [0, 50.0, 0], [0, 0, 50.0]]))
        _, kinds = net.sample(reading, 20, torch_stream(0, "test/draws"))
    assert kinds[..., 0].tolist() == [[0] * 20, [1] * 20, [2] * 20]


def test_every_parameter_learns() -> None:
    net = network(2)
    reading = net(pictures(6, (40, 56)))
    rng = torch_stream(0, "test/units")
    units, classes = torch.rand(6, 5, generator=rng), torch.randint(3, (6, 2), generator=rng)
    loss = net.posterior.log_probs(units, reading.columns, net.one_hot(classes)).sum()
    parts = [loss, reading.bins.square().sum(), reading.centres.square().sum()]
    torch.stack(parts + [logits.square().sum() for logits in reading.class_logits]).sum().backward()
    still = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


@given(st.floats(0.1, 3.0), st.floats(-2.0, 2.0))
def test_levels_follow_gain_and_offset(gain: float, offset: float) -> None:
    """All but the spread move with the offset."""
    images = torch.rand(3, 3, 12, 16, generator=torch_stream(0, "test/levels"))
    before, after = levels(images), levels(gain * images + offset)
    moved = 2 * offset * torch.ones(4, 3)
    moved[1] = 0.0
    torch.testing.assert_close(after, gain * before + moved.flatten(), atol=1e-4, rtol=1e-4)
    assert before.shape == (3, LEVELS)


def test_noise_raises_spots_less_than_pixels() -> None:
    """To about a third, since a spot is the mean of nine."""
    noise = 0.1 * torch.randn(40, 3, 32, 32, generator=torch_stream(0, "test/noise"))
    pixels, spots = levels(noise).unflatten(1, (4, 3))[:, 2:].mean((0, 2))
    assert 0 < spots < 0.4 * pixels


def test_light_is_read_from_brightness_and_objects_are_not() -> None:
    """What an object is read from is as wide as without a light."""
    net = network(1)
    thing, _, light = net(pictures(2, (32, 32))).columns
    assert light.shape[1] == thing.shape[1] + LEVELS
    grey = torch.tensor([40, 200], dtype=torch.uint8)[:, None, None, None].expand(-1, 32, 32, 3)
    darker, lighter = net(grey).columns[2][:, -LEVELS:]
    # A grey level is a 64th, counted twice; an even image has no spread.
    expected = torch.full((4, 3), 2 * 160 / 64)
    expected[1] = 0.0
    torch.testing.assert_close(lighter - darker, expected.flatten())


def test_classes_become_one_hot_side_by_side() -> None:
    hot = network(2).one_hot(torch.tensor([[0, 2], [1, 1]]))
    assert hot.tolist() == [[1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]]


@pytest.mark.parametrize("size", [(64, 64), (48, 96), (90, 30)])
def test_crops_lie_where_the_centre_says(size: tuple[int, int]) -> None:
    """A bright pixel comes out in the middle of the crop around it, wherever it is."""
    height, width = size
    look = CloseLook((20 / width, 20 / height), 20)  # a pixel a pixel
    rng = torch_stream(0, "test/places")
    y = torch.randint(height, (12,), generator=rng)
    x = torch.randint(width, (12,), generator=rng)
    images = torch.zeros(12, 3, height, width)
    images[torch.arange(12), :, y, x] = 1.0
    centres = torch.stack([(x + 1.0) / width, (y + 1.0) / height], dim=1)[:, None]  # its lower right corner
    crops = look.crops(images, centres)
    expected = torch.zeros(12, 3, 20, 20)
    expected[:, :, 9, 9] = 1.0
    torch.testing.assert_close(crops, expected, atol=1e-3, rtol=0)


def test_each_object_has_a_crop_of_its_own() -> None:
    look = CloseLook((0.25, 0.25), 8)
    images = torch.arange(32.0).expand(1, 3, 32, 32)  # brightness says the column
    centres = torch.tensor([[[0.25, 0.5], [0.5, 0.5], [0.75, 0.5]]])
    crops = look.crops(images, centres)
    torch.testing.assert_close(crops.mean((1, 2, 3)), torch.tensor([7.5, 15.5, 23.5]), atol=1e-3, rtol=0)
    assert look(images, centres).shape[:2] == (1, 3)


def test_beyond_the_image_is_black() -> None:
    crops = CloseLook((0.5, 0.5), 8).crops(torch.ones(1, 3, 16, 16), torch.tensor([[[0.0, 0.5]]]))
    assert not crops[..., :3].any()
    assert crops[..., 5:].min() > 0.99


def test_the_size_of_the_crop_is_a_share_of_the_image() -> None:
    """On a wide image a crop of a share of each side is wide, and is squeezed to a square."""
    look = CloseLook((0.5, 0.5), 8)
    x, y = look.crops(coordinates((40, 80), torch.device("cpu"))[None], torch.tensor([[[0.5, 0.5]]]))[0]
    for plane in (x, y.T):
        torch.testing.assert_close(plane[0], 0.25 + 0.5 * (torch.arange(8) + 0.5) / 8, atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [(16, 16), (8, 24)])
def test_soft_argmax_finds_a_peak(size: tuple[int, int]) -> None:
    height, width = size
    maps = torch.zeros(1, 1, height, width)
    maps[0, 0, 5, 6] = 100.0
    torch.testing.assert_close(soft_argmax(maps)[0, 0], torch.tensor([6.5 / width, 5.5 / height]))


@given(st.integers(0, 9), st.integers(12, 19), st.floats(0.5, 5.0))
def test_of_two_peaks_the_higher_is_where_the_object_is(left: int, right: int, lead: float) -> None:
    maps = torch.full((1, 2, 20, 24), -50.0)
    maps[0, :, 7, left], maps[0, :, 7, right] = 10.0, 10.0
    maps[0, 0, 7, left] += lead
    maps[0, 1, 7, right] += lead
    expected = torch.tensor([[(left + 0.5) / 24, 7.5 / 20], [(right + 0.5) / 24, 7.5 / 20]])
    torch.testing.assert_close(peak_argmax(maps)[0], expected)
    between = soft_argmax(maps)[0, :, 0]
    assert ((between > expected[0, 0]) & (between < expected[1, 0])).all()


def test_where_no_centre_is_given_the_network_looks_where_it_sees() -> None:
    spec = AttributeSpec("y", "m", 0, 1, mutable=True)
    columns = tuple(Column(name, name, spec) for name in ("a", "b"))
    with seeded_layers(0, "test/rivals"):
        net = InverseNetwork(SceneLayout(columns, (), ("a", "b")), View(("a", "b"), (0.3, 0.3), 12)).eval()
    images = torch.randint(0, 256, (3, 24, 32, 3), generator=torch_stream(0, "test/rivals"))
    own = net(images)
    told = torch.stack([torch.full((3, 2), 0.25), torch.full((3, 2), torch.nan)], dim=1)
    mixed, away = net(images, told), net(images, torch.full((3, 2, 2), 0.25))
    torch.testing.assert_close(mixed.columns[1], own.columns[1])
    torch.testing.assert_close(mixed.columns[0], away.columns[0])
    assert not torch.allclose(away.columns[1], own.columns[1])


def test_a_network_finds_and_reads_a_bright_spot() -> None:
    """A few steps teach it where a spot is, from its image alone."""
    spec = AttributeSpec("y", "m", 0, 1, mutable=True)
    layout = SceneLayout((Column("spot", "spot", spec),), (), ("spot",))
    with seeded_layers(0, "test/spot"):
        net = InverseNetwork(layout, View(("spot",), (0.3, 0.3), 12))
    rng = torch_stream(0, "test/spots")
    place = 0.1 + 0.8 * torch.rand(256, 2, generator=rng)
    grid = coordinates((24, 24), torch.device("cpu"))
    distance = (grid - place[..., None, None]).square().sum(1)
    images = (255 * torch.exp(-distance / 0.004))[..., None].expand(-1, -1, -1, 3)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3)
    with seeded_layers(0, "test/dropout"):
        for _ in range(60):
            rows = torch.randint(192, (32,), generator=rng)
            reading = net(images[rows], place[rows, None])
            fit = net.posterior.log_probs(place[rows, 1:], reading.columns, torch.zeros(32, 0)).mean()
            loss = 20 * (reading.centres[:, 0] - place[rows]).square().mean() - fit
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    net.eval()
    with torch.no_grad():
        reading = net(images[192:])
        units, _ = net.sample(reading, 50, torch_stream(0, "test/draws"))
    assert (reading.centres[:, 0] - place[192:]).abs().mean() < 0.06
    assert (units[..., 0].median(1).values - place[192:, 1]).abs().mean() < 0.06
