"""TaskNetwork: the downstream network that will train on generated images, as small as it may be."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

WIDTHS = (32, 64, 128)
STEM = 32  # longer sides become channels: blocks of pixels, so that nothing of them is lost
DROPOUT = 0.3


class TaskNetwork(nn.Module):
    """Convolutions with batch normalisation in three halvings, then one linear layer.

    Args:
        size: Height and width of the images.
        outputs: Numbers it gives for each image: logits, or what a pose is encoded in.

    Shapes:
        (B, H, W, 3) images on [0, 255] to (B, outputs).
    """

    def __init__(self, size: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.block = max(1, round(max(size) / STEM))
        sides = [-(-side // self.block) for side in size]
        layers: list[nn.Module] = []
        channels = 3 * self.block**2
        for width in WIDTHS:
            layers += [_convolution(channels, width), _convolution(width, width, stride=2)]
            channels, sides = width, [-(-side // 2) for side in sides]
        self.convolutions = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(DROPOUT))
        self.width = channels * sides[0] * sides[1]
        self.last = nn.Linear(self.width, outputs)

    def features(self, images: Tensor) -> Tensor:
        """(B, width) what the last layer reads."""
        x = images.movedim(-1, 1) / 64 - 1
        short = [-side % self.block for side in x.shape[2:]]
        x = nn.functional.pad(x, (0, short[1], 0, short[0]))
        return self.convolutions(nn.functional.pixel_unshuffle(x, self.block))

    def forward(self, images: Tensor) -> Tensor:
        """What the network says of images."""
        return self.last(self.features(images))


def _convolution(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    weights = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
    return nn.Sequential(weights, nn.BatchNorm2d(width), nn.ReLU())
