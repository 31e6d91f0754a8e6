"""Layers calculate in bfloat16 on processors that multiply it, and on no others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from metasim.base.precision import INSTRUCTIONS, multiplies_bfloat16, reduced_precision

CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.skipif(not CPUINFO.exists(), reason="the kernel lists no instructions here")
def test_instructions_are_those_that_the_kernel_lists() -> None:
    listed = set(CPUINFO.read_text().split())
    assert multiplies_bfloat16() == any(name in listed for name in INSTRUCTIONS)


def test_layers_calculate_in_what_the_processor_multiplies() -> None:
    with reduced_precision(torch.device("cpu")):
        out = nn.Linear(4, 4)(torch.ones(2, 4))
    assert out.dtype == (torch.bfloat16 if multiplies_bfloat16() else torch.float32)
