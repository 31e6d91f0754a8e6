"""Exports in formats of many files and of one large one: interrupted, taken up again, whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from digits import DigitSource, plan, pool
from test_export import Stop, Stopping, digest

from metasim.base.errors import InputError
from metasim.dataset.export import Export
from metasim.dataset.formats import find_format
from metasim.dataset.modality import Modality
from metasim.dataset.store import open_store
from metasim.dataset.verify import verify
from metasim.runs.progress import NoProgress

NUM = 16


def export(out: Path | str, name: str, progress: NoProgress | None = None, resume: bool = False) -> None:
    asked = plan(NUM, format=name, part_samples=5)
    with pool() as renderer:
        Export(asked, DigitSource(), renderer, out, progress=progress or NoProgress()).run(resume)


@pytest.mark.parametrize("name", ["folder", "hdf5"])
def test_an_interrupted_export_ends_as_the_same_files(name: str, tmp_path: Path) -> None:
    export(tmp_path / "whole", name)
    with pytest.raises(Stop):
        export(tmp_path / "torn", name, Stopping(after=8))
    export(tmp_path / "torn", name, resume=True)
    for folder in ("whole", "torn"):
        assert verify(tmp_path / folder) == []
    whole, torn = digest(tmp_path / "whole"), digest(tmp_path / "torn")
    assert whole.keys() == torn.keys()
    assert all(path.startswith("costs/") for path in whole if whole[path] != torn[path])
    found = list(find_format(name).read(tmp_path / "torn"))
    assert sorted(sample.provenance.index for sample in found) == list(range(NUM))


def test_hypersim_refuses_scenes_without_a_camera_before_it_writes(tmp_path: Path) -> None:
    asked = plan(NUM, format="hypersim", modalities=(Modality.INSTANCE, Modality.SEMANTIC))
    with pool() as renderer, pytest.raises(InputError, match="without a camera"):
        Export(asked, DigitSource(), renderer, tmp_path / "out").run()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["folder", "hdf5", "coco"])
def test_an_address_holds_the_bytes_of_a_folder(name: str, tmp_path: Path) -> None:
    export(tmp_path, name)
    address = f"memory://formats/{name}"
    export(address, name)
    with open_store(address) as store:
        found = {path: store.read(path) for path in store.files() if not path.startswith("costs/")}
    here = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*") if path.is_file()}
    assert found.keys() == {path for path in here if not path.startswith("costs/")}
    assert all(data == here[path].read_bytes() for path, data in found.items())
