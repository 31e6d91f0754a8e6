"""Halves: a batch of images to learn from, seen in two halves at once, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from metasim.base.threads import ABREAST, abreast


@dataclass(frozen=True)
class Seen:
    """What is seen in B images, before anything is made of it.

    Attributes:
        whole: (B, GLOBAL_WIDTH) features of the whole images.
        close: (B, V, CLOSE_WIDTH) those of a close look at each of V objects.
        looked: (B, V, 2) where that was, on [0, 1].
        centres: (B, V, 2) where the objects are, on [0, 1].
        maps: (B, V, h, w) scores of the places where each may be.
        levels: (B, LEVELS) how bright the images are.
    """

    whole: Tensor
    close: Tensor
    looked: Tensor
    centres: Tensor
    maps: Tensor
    levels: Tensor

    def tensors(self) -> list[Tensor]:
        """All of it, in the order of the attributes."""
        return [getattr(self, field.name) for field in fields(self)]


class Halves:
    """A batch that is seen in halves, by a thread each, and learnt from as one.

    Convolutions are most of the work of a step. Threads within each spin while they wait, and hold all
    up where another process wants the core; what is made of the features is little work in many small
    operations. So the graph is cut between the two: gradients reach the cut, whence each half takes its
    share on. They are those of the whole batch, and the same bytes every time.

    Args:
        see: What a part of the images, and where to look at them, becomes.
        images: (B, H, W, 3).
        look: (B, V, 2) where to look.

    Attributes:
        seen: Of the whole batch; to be followed by :meth:`carry_back`.
    """

    def __init__(self, see: Callable[[Tensor, Tensor], Seen], images: Tensor, look: Tensor) -> None:
        count = ABREAST if images.device.type == "cpu" else 1
        parts = list(zip(images.chunk(count), look.chunk(count), strict=True))
        self._halves = abreast(lambda part: see(*part), parts)
        self._sizes = [len(part) for part, _ in parts]
        columns = zip(*[half.tensors() for half in self._halves], strict=True)
        self.seen = Seen(*[_cut(column) for column in columns])

    def carry_back(self, weights: Sequence[Tensor]) -> None:
        """Gives the weights by which the batch was seen the gradients of what was made of it.

        Args:
            weights: Those that learn, these among them; others keep what gradients they have.
        """
        ends = self.seen.tensors()
        slopes = [None if end.grad is None else end.grad.split(self._sizes) for end in ends]

        def share(number: int) -> tuple[Tensor | None, ...]:
            own = self._halves[number].tensors()
            reached = [
                (end, slope[number]) for end, slope in zip(own, slopes, strict=True) if slope is not None
            ]
            outputs, given = zip(*reached, strict=True)
            return torch.autograd.grad(outputs, weights, given, allow_unused=True)

        shares = abreast(share, range(len(self._halves)))
        for weight, *parts in zip(weights, *shares, strict=True):
            if found := [part for part in parts if part is not None]:
                weight.grad = torch.stack(found).sum(0)


def _cut(column: Sequence[Tensor]) -> Tensor:
    learns = any(part.requires_grad for part in column)
    return torch.cat(list(column)).detach().requires_grad_(learns)
