"""Precision: what networks calculate with in training."""

from __future__ import annotations

from functools import cache

import torch

INSTRUCTIONS = ("avx512_bf16", "amx_bf16")  # that multiply bfloat16; without them torch imitates it


def reduced_precision(device: torch.device) -> torch.autocast:
    """A context in which layers calculate in bfloat16, where that is faster. Weights stay single.

    Where the processor has no instructions for it, those of AVX2 being its last, torch imitates it far slower
    than it calculates in single precision (docs/matching.md, "Time").

    Args:
        device: Where the network lives.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cpu" and multiplies_bfloat16())


@cache
def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16."""
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in INSTRUCTIONS)
