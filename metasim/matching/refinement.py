"""Refinement: the attribute network follows the gradient of an image MMD through a black-box renderer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from metasim.base.streams import torch_stream
from metasim.matching.gradients import gradient_norms
from metasim.matching.transfer import PriorBatches
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.scene.layout import Array, Classes
from metasim.stats.fourier import FourierMMD
from metasim.stats.kernels import BlockSum
from metasim.stats.mmd import MMDTarget

Images = npt.NDArray[np.uint8]
Estimator = Literal["score", "differences"]

EXPLORATION = 0.01  # of the range: spread of the score function's policy around the network's output
DIFFERENCE = 0.01  # of the range, to each side


@dataclass(frozen=True)
class Descent:
    """How the network is moved.

    Attributes:
        batch: Scenes a step.
        rate: Learning rate of Adam.
        weight_decay: Its weight decay.
        decoder_only: Whether what reads the scene stays as the reconstruction has left it.
    """

    batch: int
    rate: float
    weight_decay: float = 0.0
    decoder_only: bool = False


OURS = Descent(batch=48, rate=5e-4)
PUBLISHED = Descent(batch=50, rate=1e-3, weight_decay=1e-5, decoder_only=True)  # Meta-Sim's Unity extension
BASELINES = {"metasim": OURS, "published": PUBLISHED}  # presets that have no other stage


@dataclass(frozen=True)
class ImageMMD:
    """The squared MMD between features of rendered scenes and of the target images.

    Attributes:
        features: Images (n, H, W, 3) to blocks of features (n, width).
        render: Attributes on [0, 1] (n, D), prior scene indices (n,) and a stage to images (n, H, W, 3).
        target: Target features with their kernel, or with random features that stand for it.
    """

    features: Callable[[Images], list[Tensor]]
    render: Callable[[Array, Classes, str], Images]
    target: MMDTarget | FourierMMD

    @classmethod
    def against(
        cls,
        images: Images,
        features: Callable[[Images], list[Tensor]],
        render: Callable[[Array, Classes, str], Images],
        frequencies: int | None = None,
        seed: int = 0,
    ) -> ImageMMD:
        """The distance to some target images, as ``image_target`` says."""
        return cls(features, render, image_target(features(images), frequencies, seed))

    def embed(self, units: Tensor, rows: Tensor, stage: str) -> Tensor:
        """(n, F) features of scenes."""
        images = self.render(units.detach().double().numpy(), rows.numpy(), stage)
        return torch.cat(self.features(images), 1)


def image_target(blocks: list[Tensor], frequencies: int | None, seed: int) -> MMDTarget | FourierMMD:
    """Blocks of features of the target, every one with bandwidths around its median distance.

    With ``frequencies`` the distance is linear in batch and target; their draw depends on the seed.
    """
    kernel, sample = BlockSum.around_median(blocks), torch.cat(blocks, 1)
    if frequencies is None:
        return MMDTarget(sample, kernel)
    return FourierMMD(sample, kernel, frequencies, torch_stream(seed, "refine/frequencies"))


def score_gradient(
    mmd: ImageMMD, units: Tensor, rows: Tensor, stage: str, generator: torch.Generator
) -> tuple[Tensor, float]:
    r"""Gradient by the score function: one render a scene, works for discrete choices too.

    Scenes explore around the network's output and each is credited with the witness function of the
    MMD, less a leave-one-out baseline: :math:`\nabla MMD^2 = 2 E[w(x_i) \nabla \log q(\theta_i)]`.

    Returns:
        (n, D) gradient with respect to ``units``, and the squared MMD of the batch.
    """
    noise = torch.randn(units.shape, generator=generator)
    features = mmd.embed(units.detach() + EXPLORATION * noise, rows, stage)
    advantage = mmd.target.witness(features).advantage
    gradient = 2 * advantage[:, None] * noise / EXPLORATION / len(units)
    return gradient.float(), float(mmd.target.mmd2(features))


def difference_gradient(
    mmd: ImageMMD, units: Tensor, rows: Tensor, stage: str, generator: torch.Generator
) -> tuple[Tensor, float]:
    """Gradient by central differences through the renderer: 1 + 2 D renders a scene (Meta-Sim, ICCV 2019).

    The MMD's gradient with respect to each scene's own features meets the differences of these features.

    Returns:
        (n, D) gradient with respect to ``units``, and the squared MMD of the batch.
    """
    del generator  # differences need no randomness; the signature is that of all estimators
    features = mmd.embed(units, rows, stage).requires_grad_()
    value = mmd.target.mmd2(features)
    (slope,) = torch.autograd.grad(value, features)
    columns = []
    for j in range(units.shape[1]):
        step = torch.zeros(units.shape[1])
        step[j] = DIFFERENCE
        ahead = mmd.embed(units.detach() + step, rows, stage)
        behind = mmd.embed(units.detach() - step, rows, stage)
        columns.append((slope * (ahead - behind)).sum(1) / (2 * DIFFERENCE))
    return torch.stack(columns, dim=1).float(), float(value.detach())


def difference_renders(batch: int, columns: int) -> int:
    """Renders of a step of ``difference_gradient`` on scenes of so many attributes."""
    return batch * (1 + 2 * columns)


ESTIMATORS = {"score": score_gradient, "differences": difference_gradient}


def refine(
    network: AttributeNetwork,
    prior: PriorBatches,
    mmd: ImageMMD,
    estimator: Estimator,
    descent: Descent,
    steps: int,
    seed: int,
    record: Callable[[int, dict[str, float]], None],
) -> None:
    """Moves the network down the image MMD.

    Args:
        network: The attribute network, changed in place.
        prior: Prior scenes.
        mmd: What to minimise.
        estimator: How the gradient passes the renderer.
        descent: Batch and optimiser.
        steps: Optimiser steps.
        seed: Root seed.
        record: Told step and losses.
    """
    moved = list(network.decoder_parameters() if descent.decoder_only else network.parameters())
    optimiser = torch.optim.Adam(moved, lr=descent.rate, weight_decay=descent.weight_decay)
    network.train()
    for step in range(steps):
        generator = torch_stream(seed, "refine", step)
        rows = torch.randint(prior.scenes, (descent.batch,), generator=generator)
        data = prior.take(rows)
        units = prior.columns(network(data, network.draw_noise(len(data.values), generator)))
        gradient, value = ESTIMATORS[estimator](mmd, units, rows, f"refine/{step}", generator)
        network.zero_grad()  # of what stays, too: its gradients are told
        units.backward(gradient)
        flow = gradient_norms(network)
        torch.nn.utils.clip_grad_norm_(moved, 1.0)
        optimiser.step()
        record(step, {"mmd2": value} | flow)
