"""Datasets at addresses: an export there has the bytes of one in a folder, resumes and verifies alike."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from digits import DigitSource, Losing, Lost, export, plan, pool

from metasim.base.errors import InputError
from metasim.cli import main
from metasim.dataset.conversion import Conversion
from metasim.dataset.export import Export
from metasim.dataset.formats.webdataset import WebDatasetFormat
from metasim.dataset.store import local_copy, open_store
from metasim.dataset.verify import verify

NUM = 24


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "digits"
    export(out, NUM)
    return out


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket of an S3 server on this machine."""
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("NO_PROXY", "*")
        fsspec.filesystem("s3").mkdir("datasets")
        yield "s3://datasets"
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    root = "memory://datasets" if request.param == "memory" else request.getfixturevalue("bucket")
    url = f"{root}/{request.node.name}"
    yield url
    with contextlib.suppress(FileNotFoundError):
        system, path = fsspec.core.url_to_fs(url)
        system.rm(path, recursive=True)


def contents(place: Path | str) -> dict[str, bytes]:
    with open_store(place) as store:
        return {path: store.read(path) for path in store.files() if not path.startswith("costs/")}


def test_an_address_holds_the_bytes_of_a_folder(dataset: Path, address: str) -> None:
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), renderer, address).run()
    assert contents(address) == contents(dataset)
    assert verify(address) == []
    with local_copy(address) as folder:
        assert len(list(WebDatasetFormat().read(folder))) == NUM


def test_an_interrupted_export_goes_on_there(dataset: Path, address: str) -> None:
    done = len(plan(NUM).parts()[0].indices)
    with pool() as renderer, pytest.raises(Lost):
        Export(plan(NUM), DigitSource(), renderer, address, progress=Losing(done + 1)).run()
    with pool() as renderer, pytest.raises(InputError, match="--resume"):
        Export(plan(NUM), DigitSource(), renderer, address).run()
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), renderer, address).run(resume=True)
        assert renderer.counters.frames == NUM - done
    assert contents(address) == contents(dataset)


def test_damage_there_is_named(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pool() as renderer:
        Export(plan(NUM), DigitSource(), renderer, address).run()
    with open_store(address) as store:
        data = bytearray(store.read("val/00000.tar"))
        data[len(data) // 2] ^= 1
        store.write("val/00000.tar", bytes(data))
        store.write("notes.txt", b"mine")
    assert main(["verify", address]) == 1
    out = capsys.readouterr().out
    assert out == "val/00000.tar: other content than was written\nnotes.txt: not in the manifest\n"


def test_a_place_that_holds_something_else_is_left_alone(address: str) -> None:
    with open_store(address) as store:
        store.write("thesis.txt", b"years of work")
    with pool() as renderer, pytest.raises(InputError, match=r"holds thesis\.txt"):
        Export(plan(NUM), DigitSource(), renderer, address).run()
    assert contents(address) == {"thesis.txt": b"years of work"}


def test_a_dataset_there_is_converted(dataset: Path, address: str, tmp_path: Path) -> None:
    Conversion(dataset, "webdataset", address, part_samples=7).run()
    Conversion(address, "webdataset", tmp_path / "back", part_samples=7).run()
    tars = {path for path in contents(dataset) if path.endswith(".tar")}
    assert tars
    for path in tars:
        assert contents(dataset)[path] == contents(address)[path] == contents(tmp_path / "back")[path]


@pytest.mark.parametrize("url", ["gopher://somewhere/digits", "s3://no bucket at all/digits"])
def test_an_address_that_does_not_answer_is_one_line(url: str, bucket: str) -> None:
    with pool() as renderer, pytest.raises(InputError) as caught:
        Export(plan(NUM), DigitSource(), renderer, url).run()
    assert str(caught.value).startswith(url)
    assert "\n" not in str(caught.value)
