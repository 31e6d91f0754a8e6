"""Laws of the folder format, and of the staging that formats of many files share."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ball_scene import assert_same, ball_sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.dataset.formats import find_format
from metasim.dataset.formats.folder import METADATA, FolderFormat
from metasim.dataset.formats.members import members
from metasim.dataset.modality import TABLES, Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample

PART = Part("train", 0, (0, 1, 2))
PICTURES = [m for m in Modality if m not in TABLES]


def write(folder: Path, *samples: Sample) -> list[Path]:
    with FolderFormat().open(folder, PART) as writer:
        for item in samples:
            writer.add(item)
    return [folder / path for path in writer.files]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 99),
    st.sets(st.sampled_from(PICTURES)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.booleans(),
)
def test_a_sample_survives(
    tmp_path: Path, index: int, kept: set[Modality], size: tuple[int, int], flat: bool
) -> None:
    full = ball_sample(index, size)
    images = {m: image for m, image in full.images.items() if m in kept}
    written = replace(
        full, images=images, **({"camera": None, "boxes": None, "solids": None} if flat else {})
    )
    write(tmp_path, written)
    (found,) = FolderFormat().read(tmp_path)
    assert_same(found, written)


def test_it_is_found_by_name_and_lists_its_files(tmp_path: Path) -> None:
    samples = [ball_sample(i) for i in range(3)]
    files = write(tmp_path, *samples)
    assert isinstance(find_format("folder"), FolderFormat)
    assert sorted(files) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) == sum(len(members(s)) for s in samples) + 1
    assert [s.key for s in FolderFormat().read(tmp_path)] == [s.key for s in samples]


def test_equal_samples_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, ball_sample(0), ball_sample(1)) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_failing_part_leaves_nothing_and_hurts_nothing(tmp_path: Path) -> None:
    other = tmp_path / "train" / "note.txt"
    other.parent.mkdir()
    other.write_text("mine")

    def write_half() -> None:
        with FolderFormat().open(tmp_path, PART) as writer:
            writer.add(ball_sample(0))
            assert [path.name[0] for path in tmp_path.rglob("train/00000/*")] == ["."] * len(writer.files)
            raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        write_half()
    assert list(tmp_path.rglob("*")) == [other.parent, other]


def test_a_part_written_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write(tmp_path, ball_sample(0))
    write(tmp_path, replace(ball_sample(1), key=ball_sample(0).key))
    (found,) = FolderFormat().read(tmp_path)
    assert_same(found, replace(ball_sample(1), key=ball_sample(0).key))


def test_every_damaged_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    whole = write(tmp_path, ball_sample(0))
    for path in whole:
        content = path.read_bytes()
        for harm in (b"", content[: len(content) // 2], b"\x93garbage" * 9, None):
            path.unlink() if harm is None else path.write_bytes(harm)
            if (path.name, harm) in ((METADATA, b""), (METADATA, None)):
                continue  # nothing says that there is a sample
            with pytest.raises(InputError) as told:
                list(FolderFormat().read(tmp_path))
            assert "\n" not in str(told.value)
            path.write_bytes(content)


def test_hugging_face_datasets_reads_it_as_an_image_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    written = [ball_sample(i) for i in range(3)]
    write(tmp_path / "data", *written)
    found = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "data"), cache_dir=str(tmp_path / "cache")
    )
    assert {name: len(rows) for name, rows in found.items()} == {"train": 3}
    for row, item in zip(found["train"], written, strict=True):
        assert row["key"] == item.key
        np.testing.assert_array_equal(np.asarray(row["image"]), item.images[Modality.RGB])
        np.testing.assert_array_equal(np.asarray(row["part"]), item.images[Modality.PART])


def test_rows_name_files_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, ball_sample(0))
    (row,) = (json.loads(line) for line in (tmp_path / "train/00000" / METADATA).read_text().splitlines())
    named = {value for column, value in row.items() if column.endswith("file_name")}
    assert named == {path.name for path in tmp_path.rglob("*.png")}
