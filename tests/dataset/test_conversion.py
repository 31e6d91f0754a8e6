"""Laws of conversion: what two formats can hold survives the way from one to the other and back."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from digits import DigitSource, Losing, Lost, export, plan, pool

from metasim.base.errors import InputError
from metasim.base.streams import stream_seed
from metasim.cli import main
from metasim.dataset.conversion import Conversion
from metasim.dataset.drawing import Pool
from metasim.dataset.export import Export
from metasim.dataset.formats import find_format
from metasim.dataset.journal import LATER
from metasim.dataset.modality import Modality
from metasim.dataset.record import FileRecord
from metasim.dataset.sample import Sample
from metasim.dataset.verify import verify
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph

NUM = 30
BROKEN = {3, 17, 29}
FORMATS = ("hdf5", "folder", "webdataset")


class FailingPool:
    """Fails the scenes of certain indices."""

    def __init__(self, inner: Pool, broken: Iterable[int]) -> None:
        self._inner = inner
        self._broken = {stream_seed(0, "export/render", index) for index in broken}

    def stream(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
    ) -> list[tuple[int, Frame | SceneFailure]]:
        results = self._inner.stream(scenes, passes, seeds)
        return [(i, SceneFailure("lost") if seeds[i] in self._broken else result) for i, result in results]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "digits"
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), FailingPool(renderer, BROKEN), out).run()
    return out


def by_key(folder: Path, format: str) -> dict[str, Sample]:
    return {sample.key: sample for sample in find_format(format).read(folder)}


@pytest.mark.parametrize("format", FORMATS)
def test_a_dataset_survives_the_way_there_and_back(dataset: Path, tmp_path: Path, format: str) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    Conversion(dataset, format, there).run()
    Conversion(there, "webdataset", back, part_samples=7).run()
    assert verify(there) == verify(back) == []
    before, after = by_key(dataset, "webdataset"), by_key(back, "webdataset")
    assert before.keys() == after.keys() == by_key(there, format).keys()
    for key, sample in before.items():
        assert (sample.split, sample.graph) == (after[key].split, after[key].graph)
        assert (sample.provenance, sample.boxes) == (after[key].provenance, after[key].boxes)
        assert sample.images.keys() == after[key].images.keys()
        for modality, image in sample.images.items():
            np.testing.assert_array_equal(image, after[key].images[modality])


def test_a_conversion_names_its_source_and_keeps_the_failures(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["export", "--from", str(dataset), "--format", "folder", "--out", str(out)]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["export"]["converted_from"] == FileRecord.of(dataset / "manifest.json").sha256
    assert manifest["counts"] == json.loads((dataset / "manifest.json").read_text())["counts"]
    with (out / "failed.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(int(row["index"]), row["reason"]) for row in rows} == {(index, "lost") for index in BROKEN}


def test_a_conversion_takes_what_is_asked_for(dataset: Path, tmp_path: Path) -> None:
    Conversion(dataset, "webdataset", tmp_path / "lean", modalities=["instance", "bbox"]).run()
    for sample in by_key(tmp_path / "lean", "webdataset").values():
        assert set(sample.images) == {Modality.INSTANCE}
        assert sample.boxes is not None


def contents(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.parent.name != "costs")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_conversion_goes_on_where_it_was_stopped(dataset: Path, tmp_path: Path) -> None:
    Conversion(dataset, "webdataset", tmp_path / "whole", part_samples=4).run()
    for after in (5, 14, 26):
        out = tmp_path / str(after)
        with pytest.raises(Lost):
            Conversion(dataset, "webdataset", out, part_samples=4, progress=Losing(after)).run()
        Conversion(dataset, "webdataset", out, part_samples=4).run(resume=True)
        assert contents(out) == contents(tmp_path / "whole")


def test_scenes_that_could_not_be_rendered_then_do_not_stop_a_conversion(tmp_path: Path) -> None:
    """Those that are left when it goes on are more than an export takes to refuse, and all had failed."""
    dataset, whole, out = tmp_path / "dataset", tmp_path / "whole", tmp_path / "out"
    with pool() as renderer:
        together = plan(NUM, split={"train": 1.0})
        Export(together, DigitSource(), FailingPool(renderer, range(8, NUM)), dataset).run()
    Conversion(dataset, "webdataset", whole, part_samples=4).run()
    with pytest.raises(Lost):
        Conversion(dataset, "webdataset", out, part_samples=4, progress=Losing(12)).run()
    Conversion(dataset, "webdataset", out, part_samples=4).run(resume=True)
    assert contents(out) == contents(whole)


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes that stay in one split by threes, as the sequences of a scene do."""
    out = tmp_path_factory.mktemp("families") / "digits"
    with pool() as renderer:
        Export(plan(NUM, siblings=3), DigitSource(), renderer, out).run()
    return out


@pytest.mark.parametrize("format", FORMATS)
def test_what_shares_a_split_still_does(families: Path, tmp_path: Path, format: str) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    Conversion(families, format, there).run()
    Conversion(there, "webdataset", back).run()
    before = by_key(families, "webdataset")
    assert len(before) == NUM
    for place, form in ((there, format), (back, "webdataset")):
        found = by_key(place, form)
        assert {key: sample.split for key, sample in found.items()} == {k: s.split for k, s in before.items()}


def forget(path: Path, *sections: str) -> None:
    """Has a file of an export lack what earlier ones did not say of themselves."""
    content = json.loads(path.read_text())
    identity = content
    for name in sections:
        identity = identity[name]
    for name in LATER:
        del identity[name]
    path.write_text(json.dumps(content))


def test_a_dataset_of_before_is_converted_and_resumed(dataset: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(dataset, old)
    forget(old / "manifest.json", "export")
    assert verify(old) == []
    Conversion(old, "hdf5", tmp_path / "new").run()
    assert by_key(tmp_path / "new", "hdf5").keys() == by_key(dataset, "webdataset").keys()
    assert export(old, NUM, resume=True)["written"] == NUM - len(BROKEN)


def test_an_export_begun_before_goes_on(families: Path, tmp_path: Path) -> None:
    out, what = tmp_path / "out", plan(NUM, siblings=3)
    with pool() as renderer, pytest.raises(Lost):
        Export(what, DigitSource(), renderer, out, progress=Losing(14)).run()
    forget(out / "journal/export.json")
    with pool() as renderer:
        Export(what, DigitSource(), renderer, out).run(resume=True)
    assert contents(out) == contents(families)


def test_an_export_with_other_siblings_is_not_resumed(families: Path) -> None:
    with pool() as renderer, pytest.raises(InputError, match="siblings 3"):
        Export(plan(NUM), DigitSource(), renderer, families).run(resume=True)


def test_a_damaged_or_foreign_source_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    export(source, 12)
    shard = source / "train/00000.tar"
    shard.write_bytes(shard.read_bytes()[:5000])
    command = ["export", "--format", "hdf5", "--out", str(out)]
    assert main([*command, "--from", str(source)]) == 2
    assert "train/00000.tar: 5000 bytes" in capsys.readouterr().err
    assert main([*command, "--from", str(tmp_path)]) == 2
    assert "expected the manifest of a dataset" in capsys.readouterr().err
    assert main([*command, "--from", str(source), "--num", "3"]) == 2
    assert "--num: a dataset to convert" in capsys.readouterr().err
    assert not out.exists()
    with pytest.raises(InputError, match="depth, not there or not held"):
        Conversion(source, "hdf5", out, modalities=["depth"]).run()


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize("place", [".", "inner"])
def test_a_dataset_is_not_converted_into_itself(dataset: Path, place: str, scheme: str) -> None:
    before = contents(dataset)
    with pytest.raises(InputError, match="expected a place beside it"):
        Conversion(dataset, "hdf5", f"{scheme}{dataset / place}").run()
    assert contents(dataset) == before


@pytest.mark.parametrize("option", [("--seed", "0"), ("--set", "executor.kind=ray"), ("--split", "")])
def test_what_only_drawing_needs_is_refused(
    dataset: Path, tmp_path: Path, option: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", "--format", "hdf5", "--out", str(tmp_path / "out"), "--from", str(dataset)]
    assert main([*command, *option]) == 2
    assert f"{option[0]}: a dataset to convert" in capsys.readouterr().err


def test_a_truncated_shard_is_one_line(tmp_path: Path) -> None:
    source = tmp_path / "source"
    export(source, 12)
    shard = source / "train/00000.tar"
    for size in (100, 5000, shard.stat().st_size // 2):
        shard.write_bytes(shard.read_bytes()[:size])
        with pytest.raises(InputError, match=r"train/00000\.tar") as caught:
            by_key(source, "webdataset")
        assert "\n" not in str(caught.value)
