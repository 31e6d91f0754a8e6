"""Gradient flow: how strongly a loss pulls at each layer of a network."""

from __future__ import annotations

from collections import defaultdict

from torch import nn

from metasim.runs.metrics import GRADIENT


def gradient_norms(network: nn.Module) -> dict[str, float]:
    """Euclidean norm of the gradient of each layer's parameters together, in the order of the layers.

    Layers are named ``gradient/<layer>``; those without a gradient are left out.
    """
    squares: dict[str, float] = defaultdict(float)
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            layer = name.rpartition(".")[0] or name
            squares[GRADIENT + layer] += float(parameter.grad.square().sum())
    return {layer: square**0.5 for layer, square in squares.items()}
