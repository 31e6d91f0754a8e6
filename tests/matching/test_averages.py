from __future__ import annotations

import pytest
import torch

from metasim.matching.averages import Averages


def test_a_line_tells_of_all_steps_since_the_last() -> None:
    averages = Averages()
    values = torch.randn(40, generator=torch.Generator().manual_seed(0), requires_grad=True)
    for part in (values[:30], values[30:]):
        for value in part:
            averages.add({"loss": value, "bins": 2 * value})
        found, expected = averages.take(), part.detach().numpy()
        assert found["loss"] == pytest.approx(expected.mean())
        assert found["bins_error"] == pytest.approx(2 * expected.std(ddof=1) / len(expected) ** 0.5)
    assert averages.take() == {}


def test_a_single_step_has_no_error() -> None:
    averages = Averages()
    averages.add({"loss": torch.tensor(3.0)})
    assert averages.take() == {"loss": 3.0}
