"""InceptionV3: its published size, its file, and what is said when the file is not right."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metasim.base.errors import InputError
from metasim.base.streams import seeded_layers, torch_stream
from metasim.matching.extractors import extractor
from metasim.model.inception import WIDTH, Inception, load_inception

PUBLISHED = 21_785_568  # weights without the heads that classify: 27,161,264 - 2,049,000 - 3,326,696


@pytest.fixture(scope="module")
def network() -> Inception:
    with seeded_layers(0, "test/inception"):
        return Inception().eval()


@pytest.fixture(scope="module")
def weights(network: Inception, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As published: with a head, without counters of batches."""
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save(state | {"fc.weight": torch.zeros(1008, WIDTH), "fc.bias": torch.zeros(1008)}, path)
    return path


def images(count: int) -> torch.Tensor:
    generator = torch_stream(0, "test/images")
    return torch.randint(256, (count, 20, 30, 3), generator=generator, dtype=torch.uint8)


def test_it_has_the_published_size(network: Inception) -> None:
    assert sum(p.numel() for p in network.parameters()) == PUBLISHED


def test_a_file_gives_the_network_back(network: Inception, weights: Path) -> None:
    found = extractor("inception", 0, weights, "features")(images(2).numpy())
    with torch.no_grad():
        expected = network(images(2))
    assert found[0].shape == (2, WIDTH)
    torch.testing.assert_close(found[0], expected)
    assert expected.std(0).max() > 0


@pytest.mark.parametrize("damage", ["missing", "surplus", "shape"])
def test_a_state_that_does_not_fit_is_refused(weights: Path, tmp_path: Path, damage: str) -> None:
    state = torch.load(weights, weights_only=True)
    name = "Mixed_6c.branch7x7dbl_3.conv.weight"
    if damage == "missing":
        del state[name]
    elif damage == "surplus":
        state["Mixed_9z.weight"] = torch.zeros(1)
    else:
        state[name] = state[name].transpose(2, 3)
    path = tmp_path / "damaged.pth"
    torch.save(state, path)
    with pytest.raises(InputError, match=r"Mixed_(6c|9z).*pytorch-fid"):
        load_inception(path)


def test_without_a_readable_file_the_way_to_one_is_named(tmp_path: Path) -> None:
    text = tmp_path / "weights.pth"
    text.write_text("no weights")
    for path in (None, tmp_path / "none.pth", text):
        with pytest.raises(InputError, match="fetched by hand"):
            load_inception(path)
