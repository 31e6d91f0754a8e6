"""InceptionV3 up to its last pooling, for the weights of the Frechet inception distance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from metasim.base.errors import InputError

SIZE = 299
WIDTH = 2048
HOW_TO_GET = (
    "the file pt_inception-2015-12-05-6726825d.pth, fetched by hand from the releases of the project "
    "pytorch-fid, or another state of InceptionV3 under the same names"
)
UNUSED = ("fc.", "AuxLogits.")  # heads that classify, which such files hold too

Step = tuple[str, int, tuple[int, int], int]
"""A convolution's name, output channels, kernel and stride."""
Chain = list[tuple[Step, ...]]
"""Steps one after another; those in one tuple see the same input and are stacked."""


class Convolution(nn.Module):
    """Convolution, normalisation, rectifier."""

    def __init__(
        self, into: int, out: int, kernel: tuple[int, int], stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded and stride == 1 else (0, 0)
        self.conv = nn.Conv2d(into, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, out, H', W') of (B, into, H, W)."""
        return torch.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Chains of convolutions side by side, and one that pools first; their outputs are stacked.

    Args:
        into: Input channels.
        chains: The chains.
        pooled: Channels of ``branch_pool`` after the pooling; 0 for pooling alone, with stride 2.
        largest: Whether ``branch_pool`` takes the maximum: the published weights do in the last block.
    """

    def __init__(self, into: int, chains: Sequence[Chain], pooled: int = 0, largest: bool = False) -> None:
        super().__init__()
        self.chains, self.pooled, self.largest = chains, pooled, largest
        for chain in chains:
            width = into
            for steps in chain:
                for name, out, kernel, stride in steps:
                    self.add_module(name, Convolution(width, out, kernel, stride))
                width = sum(out for _, out, _, _ in steps)
        if pooled:
            self.branch_pool = Convolution(into, pooled, (1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, stacked, H', W') of (B, into, H, W)."""
        outputs = []
        for chain in self.chains:
            y = x
            for steps in chain:
                y = torch.cat([self.get_submodule(name)(y) for name, *_ in steps], 1)
            outputs.append(y)
        return torch.cat([*outputs, self._pool(x)], 1)

    def _pool(self, x: Tensor) -> Tensor:
        if not self.pooled:
            return max_pool2d(x, 3, 2)
        near = max_pool2d(x, 3, 1, 1) if self.largest else avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return self.branch_pool(near)


def _chain(name: str, *steps: str) -> Chain:
    """Steps ``name_1``, ``name_2``, ... from "channels height x width / stride"; one alone is ``name``."""
    chain: Chain = []
    for number, step in enumerate(steps, start=1):
        out, height, width, stride = map(int, re.split(r"[ x/]", step if "/" in step else f"{step}/1"))
        chain.append(((name if len(steps) == 1 else f"{name}_{number}", out, (height, width), stride),))
    return chain


def _forked(name: str) -> tuple[Step, ...]:
    return (f"{name}a", 384, (1, 3), 1), (f"{name}b", 384, (3, 1), 1)


def _square(into: int, pooled: int) -> Mixed:
    return Mixed(
        into,
        [
            _chain("branch1x1", "64 1x1"),
            _chain("branch5x5", "48 1x1", "64 5x5"),
            _chain("branch3x3dbl", "64 1x1", "96 3x3", "96 3x3"),
        ],
        pooled,
    )


def _crossed(width: int) -> Mixed:
    tall = (f"{width} 1x1", f"{width} 7x1", f"{width} 1x7", f"{width} 7x1", "192 1x7")
    return Mixed(
        768,
        [
            _chain("branch1x1", "192 1x1"),
            _chain("branch7x7", f"{width} 1x1", f"{width} 1x7", "192 7x1"),
            _chain("branch7x7dbl", *tall),
        ],
        192,
    )


def _widest(into: int, largest: bool) -> Mixed:
    return Mixed(
        into,
        [
            _chain("branch1x1", "320 1x1"),
            [(("branch3x3_1", 384, (1, 1), 1),), _forked("branch3x3_2")],
            [*_chain("branch3x3dbl", "448 1x1", "384 3x3"), _forked("branch3x3dbl_3")],
        ],
        192,
        largest,
    )


class Inception(nn.Module):
    """Images to 2048 features (Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016).

    Averages leave the border out and the last block takes maxima, as the weights of the Frechet
    inception distance expect (Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", NeurIPS 2017).
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, (3, 3), 2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, (3, 3), padded=False)
        self.Conv2d_2b_3x3 = Convolution(32, 64, (3, 3))
        self.Conv2d_3b_1x1 = Convolution(64, 80, (1, 1))
        self.Conv2d_4a_3x3 = Convolution(80, 192, (3, 3), padded=False)
        for letter, into, pooled in zip("bcd", (192, 256, 288), (32, 64, 64), strict=True):
            self.add_module(f"Mixed_5{letter}", _square(into, pooled))
        dbl = _chain("branch3x3dbl", "64 1x1", "96 3x3", "96 3x3/2")
        self.Mixed_6a = Mixed(288, [_chain("branch3x3", "384 3x3/2"), dbl])
        for letter, width in zip("bcde", (128, 160, 160, 192), strict=True):
            self.add_module(f"Mixed_6{letter}", _crossed(width))
        crossed = _chain("branch7x7x3", "192 1x1", "192 1x7", "192 7x1", "192 3x3/2")
        self.Mixed_7a = Mixed(768, [_chain("branch3x3", "192 1x1", "320 3x3/2"), crossed])
        self.Mixed_7b = _widest(1280, largest=False)
        self.Mixed_7c = _widest(2048, largest=True)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 2048) features of (B, H, W, 3) uint8."""
        x = interpolate(images.movedim(-1, 1).float(), (SIZE, SIZE), mode="bilinear") / 127.5 - 1
        for name, block in self.named_children():
            if name in ("Conv2d_3b_1x1", "Mixed_5b"):
                x = max_pool2d(x, 3, 2)
            x = block(x)
        return x.mean((2, 3))


def load_inception(path: Path | None) -> Inception:
    """Reads the weights from a file that the user has put there.

    Raises:
        InputError: If there is no file, it is not a plain state of tensors, or not of this network.
    """
    where = "inception_weights"
    if path is None or not path.is_file():
        raise InputError(where, f"{path or 'nothing'}, which is no file", HOW_TO_GET)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        state = {k: v for k, v in state.items() if not k.startswith(UNUSED)}
    except Exception as error:  # the reader of damaged files raises whatever comes to it
        raise InputError(f"{where}: {path}", f"not readable ({type(error).__name__})", HOW_TO_GET) from error
    network = Inception()
    own = network.state_dict()
    counters = {k: v for k, v in own.items() if k.endswith("num_batches_tracked")}  # absent from old files
    try:
        network.load_state_dict(counters | state)
    except (RuntimeError, AttributeError, TypeError) as error:
        got = " ".join(str(error).split())[:160]
        raise InputError(f"{where}: {path}", got, HOW_TO_GET) from error
    return network.eval().requires_grad_(False)
