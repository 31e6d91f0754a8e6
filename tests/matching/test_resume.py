"""A checkpoint gives networks their weights back, and names those that are of another network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from metasim.base.errors import InputError
from metasim.base.streams import seeded_layers
from metasim.matching.resume import Checkpoint


def layer(seed: int, outputs: int = 2) -> nn.Linear:
    with seeded_layers(seed, "test/resume"):
        return nn.Linear(3, outputs)


def test_a_network_goes_on_with_its_weights(tmp_path: Path) -> None:
    kept, fresh = layer(0), layer(1)
    Checkpoint(tmp_path / "last.pt").keep("first", inverse=kept.state_dict())
    checkpoint = Checkpoint.load(tmp_path / "last.pt")
    checkpoint.restore(fresh, checkpoint.inverse)
    assert checkpoint.done == ["first"]
    assert torch.equal(fresh.weight, kept.weight)
    assert torch.equal(fresh.bias, kept.bias)


def test_weights_of_another_network_are_named(tmp_path: Path) -> None:
    """As an earlier version's are, whose network had other layers."""
    checkpoint, other = Checkpoint(tmp_path / "last.pt"), layer(1, outputs=4)
    with pytest.raises(InputError, match=r"last\.pt.*weights of another network.*begun anew"):
        checkpoint.restore(other, layer(0).state_dict())
    with pytest.raises(InputError, match="another network"):
        checkpoint.restore(other, {"gate": torch.zeros(1)} | other.state_dict())
