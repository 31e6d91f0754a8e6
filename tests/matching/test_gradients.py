from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from metasim.base.streams import seeded_layers
from metasim.matching.gradients import gradient_norms
from metasim.runs.metrics import GRADIENT


@given(scale=st.floats(0.1, 10.0))
def test_norms_are_those_of_the_layers_and_scale_with_the_loss(scale: float) -> None:
    with seeded_layers(0, "gradients"):
        network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    (scale * network(torch.ones(2, 3))).sum().backward()
    norms = gradient_norms(network)
    assert list(norms) == [f"{GRADIENT}0", f"{GRADIENT}2"]
    for index in (0, 2):
        gradients = [p.grad.flatten() for p in network[index].parameters() if p.grad is not None]
        assert abs(norms[f"{GRADIENT}{index}"] - float(torch.cat(gradients).norm())) < 1e-5 * scale
    once = {name: norm / scale for name, norm in norms.items()}
    network.zero_grad()
    network(torch.ones(2, 3)).sum().backward()
    assert all(abs(gradient_norms(network)[name] - norm) < 1e-4 for name, norm in once.items())


def test_a_layer_without_a_gradient_is_left_out() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[0].requires_grad_(False)
    network(torch.ones(1, 2)).sum().backward()
    assert list(gradient_norms(network)) == [f"{GRADIENT}1"]
