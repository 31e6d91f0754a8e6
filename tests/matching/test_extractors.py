"""Feature plug-ins by name: what they give, and what is said of a name that nothing goes by."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.matching.extractors import BUILT_IN, extractor
from metasim.matching.features import PIXELS, BlurredPixels


def images(count: int, size: int = 32) -> np.ndarray:
    return stream(0, "test/images").integers(256, size=(count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "inception"])
def test_features_of_an_image_do_not_depend_on_its_neighbours(name: str) -> None:
    look = extractor(name, 0, None, "features")
    together, alone = look(images(5)), look(images(5)[3:4])
    for block, row in zip(together, alone, strict=True):
        assert block.shape == (5, row.shape[1])
        torch.testing.assert_close(block[3:4], row)
        assert block.std(0).max() > 0


def test_pixels_are_means_of_their_cells() -> None:
    x = images(2)
    means = x.reshape(2, PIXELS, 2, PIXELS, 2, 3).mean((2, 4)) / 255
    np.testing.assert_allclose(BlurredPixels()(x)[0], means.transpose(0, 3, 1, 2).reshape(2, -1), atol=1e-6)


def test_a_dotted_path_is_called_with_the_seed() -> None:
    path = "metasim.matching.features:RandomConvolutions"
    for ours, theirs in zip(
        extractor(path, 3, None, "features")(images(2)),
        extractor("convolutions", 3, None, "features")(images(2)),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", ["convolution", "no.such.module:Features", "metasim.config:Nothing", ""])
def test_a_wrong_name_is_refused_with_its_key(name: str) -> None:
    with pytest.raises(InputError, match=r"^verdict\.features: "):
        extractor(name, 0, None, "verdict.features")
