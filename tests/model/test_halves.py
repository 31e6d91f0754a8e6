"""Laws of halves: what a batch teaches does not depend on its being seen in two parts."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from metasim.base.streams import seeded_layers, torch_stream
from metasim.model.halves import Halves
from metasim.model.inverse import InverseNetwork, Reading, View
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Choice, Column, SceneLayout

YAW = AttributeSpec("yaw", "deg", 0, 360, periodic=True, mutable=True)
POWER = AttributeSpec("power", "W", 0, 50, mutable=True)


def network(objects: int) -> InverseNetwork:
    """Objects with an angle and a class each, under a light."""
    names = [f"thing_{i}" for i in range(objects)]
    columns = [Column(name, "thing", YAW) for name in names]
    choices = tuple(Choice(name, ("mug", "shoe")) for name in names)
    layout = SceneLayout((*columns, Column("light", "light", POWER)), choices, ("room", *names, "light"))
    with seeded_layers(0, "test/halves"):
        return InverseNetwork(layout, View(tuple(names), (0.4, 0.3), 12))


def batch(net: InverseNetwork, count: int) -> tuple[Tensor, Tensor]:
    """Images, and places to look at, some of which the network is to find itself."""
    generator = torch_stream(count, "test/halves")
    images = torch.randint(256, (count, 24, 32, 3), generator=generator, dtype=torch.uint8)
    look = torch.rand(count, len(net.view.objects), 2, generator=generator)
    return images, look.masked_fill(look < 0.2, torch.nan)


def loss(reading: Reading) -> Tensor:
    parts = [reading.bins, reading.centres, reading.maps, *reading.columns, *reading.class_logits]
    return torch.stack([part.square().mean() for part in parts if part.numel()]).sum()


def learnt(net: InverseNetwork, count: int, cut: bool) -> dict[str, Tensor | None]:
    """Gradients of all weights, with the graph cut or in one piece; dropout is on."""
    images, look = batch(net, count)
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    net.zero_grad()
    with seeded_layers(1, "test/dropout"):
        if cut:
            halves = Halves(net.see, images, look)
            loss(net.read(halves.seen)).backward()
            halves.carry_back(weights)
        else:
            loss(net(images, look)).backward()
    return {name: weight.grad for name, weight in net.named_parameters()}


@settings(max_examples=15)
@given(st.integers(0, 2), st.integers(1, 7))
def test_gradients_are_those_of_the_whole_batch(objects: int, count: int) -> None:
    net = network(objects)
    # Sums of 1e5 terms of order one, in another order: the square root of that by 6e-8 is 2e-5.
    whole = learnt(net, count, cut=False)
    torch.testing.assert_close(learnt(net, count, cut=True), whole, rtol=1e-3, atol=1e-4)


def test_gradients_are_the_same_bytes_every_time() -> None:
    net = network(1)
    first, *others = [learnt(net, 6, cut=True) for _ in range(5)]
    for other in others:
        torch.testing.assert_close(other, first, rtol=0, atol=0)


def test_weights_that_do_not_learn_get_no_gradients() -> None:
    net = network(1)
    frozen = {id(weight) for weight in net.seeing()}
    for weight in net.seeing():
        weight.requires_grad_(False)
    found = learnt(net, 5, cut=True)
    assert found["trunk.mix.0.weight"] is not None
    assert all(found[name] is None for name, weight in net.named_parameters() if id(weight) in frozen)
