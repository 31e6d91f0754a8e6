"""What the set predictor sees of a whole image."""

from __future__ import annotations

import torch

from metasim.base.streams import seeded_layers
from metasim.model.sets import CHANNELS, WholeImage

SIDE = 32


def test_light_reaches_the_scenery_past_the_normalisation() -> None:
    """Dim images are told from bright ones though their features, being normalised, are the same."""
    with seeded_layers(0, "test/whole"):
        whole = WholeImage()
        texture = torch.rand(3, SIDE, SIDE)
    gains = torch.linspace(0.2, 1.0, 9)
    images = (gains[:, None, None, None] * texture).requires_grad_()
    seen = whole(torch.zeros(len(gains), CHANNELS, SIDE // 4, SIDE // 4), images)
    steps = (seen[1:] - seen[:-1]).norm(dim=1)
    assert (steps > 1e-3).all()
    (slope,) = torch.autograd.grad(seen.square().sum(), images)
    assert (slope.abs().amax((1, 2, 3)) > 0).all()
