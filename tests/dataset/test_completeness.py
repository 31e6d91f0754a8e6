"""Laws of completeness: a stream gives all that was written, or says in one line what is not there."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from ball_scene import AFFORDANCES, CLASSES, ORIGIN, SIZE, ball_sample
from digits import export
from exchange import lean
from torch.utils.data import DataLoader

from metasim.base.errors import InputError
from metasim.dataset.assembly import Assembly
from metasim.dataset.conversion import FREE
from metasim.dataset.drawing import Drawn
from metasim.dataset.formats import find_format
from metasim.dataset.manifest import load_manifest
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.registry import FORMATS
from metasim.dataset.torch_dataset import Item, SampleDataset, SampleStream

NUM = 4
DIGITS = 12  # of which 7 are a shard for training
BLOCK = 512  # bytes of a header in a tar archive


def balls(out: Path, name: str, num: int = NUM) -> Path:
    """A dataset of the ball with all that a format holds, of two splits."""
    held = find_format(name).modalities
    plan = ExportPlan(
        format=name,
        num=num,
        modalities=tuple(m for m in Modality if m in held),
        split={"train": 0.5, "val": 0.5},
        seed=0,
        size=SIZE,
        part_samples=1,
        affordances=AFFORDANCES,
    )

    def draw(parts: Sequence[Part]) -> Iterator[Drawn]:
        for part in parts:
            for index in part.indices:
                sample = lean(ball_sample(index, split=part.split, skew=0.0), held)
                yield Drawn(part, index, sample, FREE)

    Assembly(plan, ORIGIN, CLASSES, draw, out).run()
    return out


def read(root: Path, split: str | None = None) -> list[Item] | str:
    """The items of a stream that was read to its end, or what is told instead."""
    try:
        return list(SampleStream(root, split))
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("name", FORMATS)
def test_whatever_file_is_lost_nothing_is_passed_over(name: str, tmp_path: Path) -> None:
    root = balls(tmp_path / "out", name, num=2)
    whole = list(SampleStream(root))
    assert len(whole) == 2
    told = 0
    for path in load_manifest(root)["files"]:
        (root / path).rename(tmp_path / "aside")
        found = read(root)
        (tmp_path / "aside").rename(root / path)
        if isinstance(found, str):
            told += 1
            assert str(root) in found, path
            assert "\n" not in found
        else:
            assert [item.keys() for item in found] == [item.keys() for item in whole], path
    assert told >= 2


def headers(shard: Path) -> list[tuple[str, int]]:
    """Name and place of each member of an archive."""
    with tarfile.open(shard) as tar:
        return [(member.name, member.offset) for member in tar]


def damaged(whole: bytes, at: int, kind: str) -> bytes:
    """A shard with one bit of a header turned, or cut off before it."""
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] if kind == "bit" else whole[:at]


@pytest.mark.parametrize("kind", ["bit", "cut"])
def test_a_shard_that_ends_early_is_told_wherever_it_ends(kind: str, tmp_path: Path) -> None:
    export(tmp_path / "out", DIGITS)
    shard = tmp_path / "out/train/00000.tar"
    whole = shard.read_bytes()
    for name, at in headers(shard):
        shard.write_bytes(damaged(whole, at, kind))
        found = read(tmp_path / "out", "train")
        assert isinstance(found, str), name
        assert "\n" not in found
        assert str(tmp_path / "out") in found


def test_a_sample_without_an_image_is_told_with_both_datasets(tmp_path: Path) -> None:
    root = tmp_path / "out"
    export(root, DIGITS)
    shard = root / "train/00000.tar"
    name, at = headers(shard)[-1]
    assert name.endswith(".png")
    shard.write_bytes(damaged(shard.read_bytes(), at, "bit"))
    line = rf"out: sample {name[:8]} of train: no [a-z]+; expected every modality"
    random = SampleDataset(root, "train")
    with pytest.raises(InputError, match=line):
        [random[at] for at in range(len(random))]
    with pytest.raises(InputError, match=line):
        list(SampleStream(root))


def test_how_many_are_missing_is_told_and_of_which_split(tmp_path: Path) -> None:
    root = balls(tmp_path / "out", "hdf5")
    (root / "train/00000.hdf5").unlink()
    line = r"out: samples: 1 of train; expected 2 of train, as its manifest says$"
    for split in ("train", None):
        with pytest.raises(InputError, match=line):
            list(SampleStream(root, split))
    assert len(list(SampleStream(root, "val"))) == 2


def test_workers_count_all_and_not_their_share(tmp_path: Path) -> None:
    root = balls(tmp_path / "out", "hdf5")

    def keys() -> set[str]:
        return {item["key"] for item in DataLoader(SampleStream(root), batch_size=None, num_workers=2)}

    assert len(keys()) == NUM
    (root / "train/00000.hdf5").unlink()
    with pytest.raises(Exception, match="samples: 1 of train; expected 2"):
        keys()


def test_a_stream_that_is_left_early_tells_nothing(tmp_path: Path) -> None:
    root = balls(tmp_path / "out", "hdf5")
    (root / "val/00001.hdf5").unlink()
    stream = iter(SampleStream(root))
    assert [next(stream)["split"] for _ in range(3)] == ["train", "train", "val"]


def test_an_index_of_fewer_samples_is_told(tmp_path: Path) -> None:
    root = tmp_path / "out"
    export(root, DIGITS)
    index = json.loads((root / "index.json").read_text())
    lost = next(key for key, shard in index.items() if shard.startswith("train/"))
    (root / "index.json").write_text(json.dumps({key: index[key] for key in index if key != lost}))
    with pytest.raises(InputError, match=r"out: samples: 6 of train; expected 7 of train"):
        SampleDataset(root)
    assert len(SampleDataset(root, "val")) == 3


def test_a_manifest_without_the_numbers_of_its_splits_is_none(tmp_path: Path) -> None:
    root = balls(tmp_path / "out", "hdf5")
    manifest = json.loads((root / "manifest.json").read_text())
    del manifest["counts"]["splits"]
    (root / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"manifest\.json: counts\.splits: nothing; expected a value"):
        SampleStream(root)
