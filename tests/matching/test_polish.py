"""Laws of the polish: it changes what works on features alone, and only for the better."""

from __future__ import annotations

import pytest
import torch
from matching_scenes import grow

from metasim.base.streams import torch_stream
from metasim.matching.appearance import vary_appearance
from metasim.matching.bank import Bank
from metasim.matching.inversion import Inversion, view_of

STEPS = 30
LEVEL, NUM, SIDE = 100, 400, 16


def nothing(step: int, values: dict[str, float]) -> None:
    """Keeps no record."""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return grow(tmp_path_factory.mktemp("bank"), 120)


def trained(bank: Bank) -> Inversion:
    renders = bank.rounds[0].renders
    inversion = Inversion(bank.scenes.layout, view_of(bank.scenes.layout, renders), torch.device("cpu"), 0)
    inversion.fit(bank, STEPS, 2e-3, nothing)
    return inversion


def weights(inversion: Inversion) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in inversion.network.state_dict().values()]


def same(before: list[torch.Tensor], after: list[torch.Tensor]) -> list[bool]:
    return [torch.equal(a, b) for a, b in zip(before, after, strict=True)]


def test_what_works_on_images_stays_as_it_is_and_learns_again_later(bank: Bank) -> None:
    inversion = trained(bank)
    seeing = inversion.network.seeing()
    images, whole = [weight.detach().clone() for weight in seeing], weights(inversion)
    assert inversion.polish(bank, STEPS, 1e-3, nothing)
    assert all(same(images, [weight.detach() for weight in seeing]))
    assert not all(same(whole, weights(inversion)))
    assert all(weight.requires_grad for weight in inversion.network.parameters())


def test_a_polish_that_does_harm_is_undone(bank: Bank) -> None:
    inversion = trained(bank)
    before = weights(inversion)
    assert not inversion.polish(bank, STEPS, 1e2, nothing)
    assert all(same(before, weights(inversion)))


def levels(light: float) -> torch.Tensor:
    """(n,) mean levels of even images whose appearance was changed."""
    images = torch.full((NUM, SIDE, SIDE, 3), LEVEL, dtype=torch.uint8)
    return vary_appearance(images, torch_stream(0, "test/light"), False, light).mean((1, 2, 3))


def test_without_changes_of_light_an_even_image_keeps_its_level() -> None:
    """Noise of at most 25 levels is left, within five standard errors of the mean of its pixels."""
    assert (levels(0.0) - LEVEL).abs().max() < 5 * 25 / SIDE


def test_changes_of_light_are_those_of_gain_and_offset() -> None:
    """Normal gains of 5 % and offsets of 6: the spread of n levels is within five standard errors."""
    spread = ((0.05 * LEVEL) ** 2 + 6.0**2) ** 0.5
    assert abs(levels(1.0).std() - spread) < 5 * spread / (2 * NUM) ** 0.5
