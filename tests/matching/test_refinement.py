"""Gradients through the renderer: differences and score function against the renderer's own derivative."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matching_scenes import digits_grammar
from torch import Tensor

from metasim.base.streams import stream, torch_stream
from metasim.matching.features import RandomConvolutions
from metasim.matching.refinement import (
    DIFFERENCE,
    EXPLORATION,
    OURS,
    Descent,
    ImageMMD,
    Images,
    difference_gradient,
    refine,
    score_gradient,
)
from metasim.matching.transfer import PriorBatches, new_network, reconstruct
from metasim.rendering.protocol import Pass
from metasim.scene.layout import Array, Classes, SceneLayout
from metasim.stats.kernels import GaussianMixture
from metasim.stats.mmd import MMDTarget
from renderers.sprites.renderer import SpritesRenderer

GRAMMAR = digits_grammar()
GRAPHS = [GRAMMAR.sample(stream(0, "prior", i)) for i in range(64)]
LAYOUT = SceneLayout.of(GRAMMAR.schema, GRAPHS[0])
RENDERER = SpritesRenderer(32)
SCENES = 6
ROWS = torch.arange(SCENES)


def render(units: Array, rows: Classes, stage: str) -> Images:
    base = [GRAPHS[row] for row in rows]
    placed = LAYOUT.place(base, units, LAYOUT.classes(base))
    frames = RENDERER.render(placed, frozenset({Pass.RGB}), 0)
    return np.stack([np.asarray(frame[Pass.RGB], np.uint8) for frame in frames])


def target_images(turn: float) -> Images:
    """The prior's scenes, turned and moved."""
    units = LAYOUT.units(GRAPHS)
    return render(np.mod(units + np.array([0.1, -0.05, turn]), 1.0), np.arange(64), "")


def image_mmd(turn: float = 0.15) -> ImageMMD:
    return ImageMMD.against(target_images(turn), RandomConvolutions(0), render)


def units_of(rows: Tensor) -> Tensor:
    return torch.from_numpy(LAYOUT.units([GRAPHS[row] for row in rows.tolist()])).float()


def pathwise_features(units: Tensor) -> Tensor:
    """The same features, of images that are not rounded and keep their gradient."""
    values = {
        (column.node, column.spec.name): column.spec.low + column.spec.span * units[:, j]
        for j, column in enumerate(LAYOUT.columns)
    }
    images = RENDERER.render_tensor([GRAPHS[row] for row in ROWS.tolist()], values)
    return torch.cat(RandomConvolutions(0)._blocks(255 * images.movedim(1, -1)), 1)


def pathwise_gradient(mmd: ImageMMD, shift: Tensor) -> Tensor:
    """Gradient of the MMD with all scenes shifted, at the shifted scenes."""
    units = (units_of(ROWS) + shift).requires_grad_()
    (gradient,) = torch.autograd.grad(mmd.target.mmd2(pathwise_features(units)), units)
    return gradient


def cosine(a: Tensor, b: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0))


def test_features_of_bytes_and_of_tensors_are_the_same() -> None:
    bytes_ = image_mmd().embed(units_of(ROWS), ROWS, "")
    tensor = pathwise_features(units_of(ROWS))
    assert (bytes_ - tensor).abs().max() < 0.02 * bytes_.abs().max()


def test_differences_agree_with_the_renderer_s_own_derivative() -> None:
    """Up to the curvature within their step, and the rounding of images to bytes."""
    mmd = image_mmd()
    ours, value = difference_gradient(mmd, units_of(ROWS), ROWS, "", torch_stream(0, "unused"))
    # The difference is the mean of the derivative between both ends, for each attribute by itself.
    columns = []
    features = pathwise_features(units_of(ROWS)).detach().requires_grad_()
    (slope,) = torch.autograd.grad(mmd.target.mmd2(features), features)
    for j in range(3):
        step = DIFFERENCE * torch.eye(3)[j]
        ends = [(slope * pathwise_features(units_of(ROWS) + s * step)).sum(1) for s in (1, -1)]
        columns.append((ends[0] - ends[1]) / (2 * DIFFERENCE))
    smooth = torch.stack(columns, 1).detach()
    assert (ours - smooth).norm() < 0.05 * smooth.norm()
    own = pathwise_gradient(mmd, torch.zeros(3))
    assert cosine(ours, own) > 0.9
    assert value == pytest.approx(float(mmd.target.mmd2(mmd.embed(units_of(ROWS), ROWS, ""))))


def mean_score(mmd: ImageMMD, count: int) -> tuple[Tensor, Tensor]:
    """Mean of many estimates and its standard error."""
    found = torch.stack(
        [
            score_gradient(mmd, units_of(ROWS), ROWS, "", torch_stream(i, "test/score"))[0].double()
            for i in range(count)
        ]
    )
    return found.mean(0), found.std(0) / count**0.5


def smoothed_gradient(mmd: ImageMMD, count: int) -> Tensor:
    """The renderer's own derivative, averaged over the score function's exploration."""
    total = torch.zeros(SCENES, 3)
    for i in range(count):
        noise = torch.randn(SCENES, 3, generator=torch_stream(i, "test/smooth"))
        total += pathwise_gradient(mmd, EXPLORATION * noise)
    return (total / count).double()


def test_the_score_function_is_unbiased() -> None:
    """For the gradient smoothed by its exploration: errors over their standard errors look normal."""
    mmd = image_mmd()
    mean, error = mean_score(mmd, 600)
    smooth = smoothed_gradient(mmd, 60)
    z = (mean - smooth) / error
    assert z.square().mean() < 2.0  # mean of 18 squares of normals; 2 is 3 standard deviations above 1
    assert z.abs().max() < 4.5
    assert cosine(mean, smooth) > 0.5
    assert (mean / error).square().mean() > 4.0  # and it is far from nothing


def test_values_of_both_estimators_are_the_mmd() -> None:
    mmd = image_mmd()
    _, value = score_gradient(mmd, units_of(ROWS), ROWS, "", torch_stream(0, "test/score"))
    plain = float(mmd.target.mmd2(mmd.embed(units_of(ROWS), ROWS, "")))
    assert value == pytest.approx(plain, rel=0.2)


def shifted_mmd() -> ImageMMD:
    """On features that are the attributes themselves, where the gradient is plain."""

    def embed(images: Images) -> list[Tensor]:
        return [torch.from_numpy(images.astype(np.float32) / 255)]

    def paint(units: Array, rows: Classes, stage: str) -> Images:
        return np.round(255 * units.clip(0, 1)).astype(np.uint8)

    target = torch.from_numpy(np.mod(LAYOUT.units(GRAPHS) + np.array([0.2, -0.2, 0.3]), 1.0)).float()
    return ImageMMD(embed, paint, MMDTarget(target, GaussianMixture.around_median(target)))


@pytest.mark.parametrize("estimator", ["score", "differences"])
def test_refinement_goes_downhill(estimator: str) -> None:
    mmd, prior = shifted_mmd(), PriorBatches.of(GRAPHS, GRAMMAR, LAYOUT)
    network = new_network(GRAMMAR, 0)
    reconstruct(network, prior, 40, 0, lambda step, values: None)
    values: list[float] = []
    assert estimator in ("score", "differences")
    refine(network, prior, mmd, estimator, OURS, 120, 0, lambda step, value: values.append(value["mmd2"]))
    assert len(values) == 120
    assert np.mean(values[-20:]) < 0.7 * np.mean(values[:20])


def test_gradients_of_what_stays_do_not_add_up() -> None:
    """Where no weight moves they are those of a descent that would move all."""
    prior, flows = PriorBatches.of(GRAPHS, GRAMMAR, LAYOUT), dict[bool, list[dict[str, float]]]()
    for decoder_only in (True, False):
        still = Descent(batch=24, rate=0.0, decoder_only=decoder_only)
        told: list[dict[str, float]] = []
        given = new_network(GRAMMAR, 0), prior, shifted_mmd(), "differences", still
        refine(*given, 5, 0, lambda _, values, told=told: told.append(values))
        flows[decoder_only] = told
    assert flows[True] == flows[False]
