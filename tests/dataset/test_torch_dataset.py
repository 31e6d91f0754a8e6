"""Laws of the torch datasets: every sample once, the same by any number of workers, as it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from digits import export
from torch.utils.data import DataLoader

from metasim.base.errors import InputError
from metasim.dataset.conversion import Conversion
from metasim.dataset.formats.webdataset import WebDatasetFormat
from metasim.dataset.modality import Modality
from metasim.dataset.torch_dataset import SampleDataset, SampleStream, collate

NUM = 30


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "digits"
    export(out, NUM)
    return out


def test_items_are_the_samples_that_were_written(dataset: Path) -> None:
    written = {sample.key: sample for sample in WebDatasetFormat().read(dataset)}
    items = SampleDataset(dataset)
    assert len(items) == NUM
    for at in range(NUM):
        item = items[at]
        sample = written.pop(item["key"])
        rgb = sample.images[Modality.RGB].transpose(2, 0, 1)
        np.testing.assert_array_equal(item["rgb"].numpy(), rgb)
        np.testing.assert_array_equal(item["instance"].numpy(), sample.images[Modality.INSTANCE])
        assert item["instance"].dtype == torch.int64
        assert item["bbox"].tolist() == [box.row for box in sample.boxes or ()]
        assert item["bbox_instances"].tolist() == [box.instance for box in sample.boxes or ()]
    assert not written


def test_a_split_is_what_it_holds(dataset: Path) -> None:
    assert len(SampleDataset(dataset, "train")) == 18
    val = SampleDataset(dataset, "val")
    assert {val[at]["split"] for at in range(len(val))} == {"val"}
    assert [item["split"] for item in SampleStream(dataset, "test")] == ["test"] * 6


def test_batches_do_not_depend_on_the_workers(dataset: Path) -> None:
    def batches(workers: int) -> list:
        data = SampleDataset(dataset, "train")
        return list(DataLoader(data, batch_size=6, num_workers=workers, collate_fn=collate))

    alone, together = batches(0), batches(2)
    assert [batch["key"] for batch in alone] == [batch["key"] for batch in together]
    for one, other in zip(alone, together, strict=True):
        assert one["rgb"].shape == (6, 3, 32, 32)
        assert len(one["bbox"]) == 6
        assert torch.equal(one["rgb"], other["rgb"])
        assert torch.equal(one["semantic"], other["semantic"])


@pytest.mark.parametrize("format", ["hdf5", "folder"])
def test_other_formats_are_streams_that_workers_share(dataset: Path, tmp_path: Path, format: str) -> None:
    Conversion(dataset, format, tmp_path / "other").run()
    stream = SampleStream(tmp_path / "other")
    loader = DataLoader(stream, batch_size=None, num_workers=2)
    keys = [item["key"] for item in loader]
    assert len(keys) == NUM
    assert set(keys) == {item["key"] for item in stream}
    with pytest.raises(InputError, match="expected a webdataset"):
        SampleDataset(tmp_path / "other")


def test_a_damaged_shard_is_one_line(tmp_path: Path) -> None:
    export(tmp_path / "out", 12)
    shard = tmp_path / "out/train/00000.tar"
    shard.write_bytes(shard.read_bytes()[:3000])
    damaged = SampleDataset(tmp_path / "out", "train")
    with pytest.raises(InputError, match=r"train/00000\.tar"):
        [damaged[at] for at in range(len(damaged))]


Kind = type[SampleStream] | type[SampleDataset]
KINDS = pytest.mark.parametrize("kind", [SampleStream, SampleDataset])


def keys(data: SampleStream | SampleDataset) -> list[str]:
    if isinstance(data, SampleStream):
        return [item["key"] for item in data]
    return [data[at]["key"] for at in range(len(data))]


@KINDS
def test_the_address_of_a_folder_is_the_folder(dataset: Path, kind: Kind) -> None:
    for split, num in ((None, NUM), ("val", 6)):
        found = keys(kind(f"file://{dataset}", split))
        assert found == keys(kind(dataset, split)) == keys(kind(str(dataset), split))
        assert len(found) == num


@KINDS
def test_other_addresses_are_refused_in_one_line(kind: Kind) -> None:
    with pytest.raises(InputError, match=r"^memory://digits: an address; expected a folder[^\n]*$"):
        kind("memory://digits")


@KINDS
def test_an_unknown_split_is_refused_with_the_known_ones(dataset: Path, kind: Kind) -> None:
    expected = r"unknown split 'trian'; expected 'train' perhaps, one of train, val, test$"
    with pytest.raises(InputError, match=expected):
        kind(dataset, "trian")
    with pytest.raises(InputError, match=r"unknown split ''; expected one of train, val, test$"):
        kind(dataset, "")


@pytest.mark.parametrize("content", [b"", b'{"00000000": ', b"\xff", b"[]", b'{"00000000": 1}', None])
def test_a_damaged_index_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    export(tmp_path / "out", 12)
    index = tmp_path / "out/index.json"
    index.unlink()
    if content is not None:
        index.write_bytes(content)
    with pytest.raises(
        InputError, match=r"^[^\n]*out/index\.json: missing or damaged[^\n]*shard of each key$"
    ):
        SampleDataset(tmp_path / "out")
