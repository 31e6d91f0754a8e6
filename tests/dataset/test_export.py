"""Laws of an export: labels agree, bytes depend on the plan alone, nothing foreign is damaged."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import digits
import numpy as np
import pytest
from digits import LABELS, SCHEMA, SPLIT, DigitSource, export, plan, pool

from metasim.base.errors import InputError, MetasimError
from metasim.base.streams import stream_seed
from metasim.dataset import forecast
from metasim.dataset.drawing import Pool, draw, in_order
from metasim.dataset.export import Export
from metasim.dataset.formats.webdataset import WebDatasetFormat
from metasim.dataset.journal import Journal
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.dataset.store import LocalStore
from metasim.dataset.verify import verify
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.protocol import Frame, Pass
from metasim.runs.progress import NoProgress
from metasim.scene.graph import SceneGraph

NUM = 40


def digest(folder: Path) -> dict[str, str]:
    """Hash of every file by path, except what was measured."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "costs"
    }


def samples(folder: Path) -> list[Sample]:
    return list(WebDatasetFormat().read(folder))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "digits"
    export(out, NUM)
    return out


class FailingPool:
    """Fails the scenes of certain indices; renders the others in reverse order."""

    def __init__(self, inner: Pool, broken: Iterable[int]) -> None:
        self._inner = inner
        self._broken = {stream_seed(0, "export/render", index) for index in broken}

    def stream(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
    ) -> list[tuple[int, Frame | SceneFailure]]:
        results = list(self._inner.stream(scenes, passes, seeds))
        return [(i, SceneFailure("lost") if seeds[i] in self._broken else r) for i, r in results][::-1]


class Stop(Exception):
    pass


class Stopping(NoProgress):
    """Ends an export in the middle of a part, after a number of scenes."""

    def __init__(self, after: int) -> None:
        self._left = after

    def advance(self, steps: int = 1, **values: float) -> None:
        self._left -= steps
        if self._left == 0:
            raise Stop


def test_every_sample_is_complete_and_says_where_it_is_from(dataset: Path) -> None:
    found = samples(dataset)
    assert sorted(sample.provenance.index for sample in found) == list(range(NUM))
    source = DigitSource()
    for sample in found:
        index = sample.provenance.index
        assert sample.key == f"{index:08d}"
        assert sample.graph == source.scene(index)
        assert sample.provenance.origin == source.origin
        assert sample.provenance.root_seed == 0
        assert set(sample.images) == set(LABELS) - {Modality.BBOX}


def test_labels_of_a_sample_agree(dataset: Path) -> None:
    for sample in samples(dataset):
        instance, semantic = sample.images[Modality.INSTANCE], sample.images[Modality.SEMANTIC]
        assert sample.boxes
        assert {box.instance for box in sample.boxes} == set(instance.ravel().tolist()) - {0}
        assert np.array_equal(sample.images[Modality.MASK], instance > 0)
        for box in sample.boxes:
            y, x = np.nonzero(instance == box.instance)
            assert [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1] == box.row[:4]
            cls = SCHEMA.class_names[box.class_id - 1]
            assert cls == sample.graph.nodes[box.instance - 1].cls
            assert set(semantic[instance == box.instance].tolist()) == {box.class_id}


def test_a_sample_can_be_made_again_from_its_own_files(dataset: Path) -> None:
    with pool() as renderer:
        for sample in samples(dataset)[:5]:
            seeds = [sample.provenance.render_seed]
            ((_, frame),) = renderer.stream([sample.graph], frozenset({Pass.RGB}), seeds)
            assert isinstance(frame, Frame)
            np.testing.assert_array_equal(frame[Pass.RGB], sample.images[Modality.RGB])


def test_tables_count_what_is_there(dataset: Path) -> None:
    found = samples(dataset)
    info = json.loads((dataset / "dataset_info.json").read_text())
    manifest = json.loads((dataset / "manifest.json").read_text())
    for split, share in SPLIT.items():
        number = sum(sample.split == split for sample in found)
        assert number == round(share * NUM) == info["splits"][split]["num_images"]
        assert len(list((dataset / split).glob("*.tar"))) == info["splits"][split]["num_shards"]
    nodes = [node.cls for sample in found for node in sample.graph.nodes]
    assert manifest["classes"] == {name: nodes.count(name) for name in SCHEMA.class_names}
    assert all(
        f"| {name} | {nodes.count(name)} |" in (dataset / "card.md").read_text() for name in set(nodes)
    )
    index = json.loads((dataset / "index.json").read_text())
    assert sorted(index) == sorted(sample.key for sample in found)
    assert not list(dataset.rglob(".*"))


def test_bytes_do_not_depend_on_the_workers_but_on_the_seed(dataset: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        out = tmp_path / str(workers)
        with pool("digits:DistantSprites", workers) as renderer:
            Export(plan(NUM), DigitSource(), renderer, out).run()
        assert digest(out) == digest(dataset)
    export(tmp_path / "other", NUM, seed=1)
    assert digest(tmp_path / "other")["train/00000.tar"] != digest(dataset)["train/00000.tar"]


def test_a_killed_export_goes_on_to_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    out, done = tmp_path / "killed", 0
    command = [sys.executable, digits.__file__, str(out), str(NUM), "resume"]
    for parts in (1, 3, 5):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(out.glob("*/*.tar"))) < parts:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        process.kill()
        done += process.wait() == -signal.SIGKILL
    assert done >= 2
    export(out, NUM, resume=True)
    assert digest(out) == digest(dataset)
    assert verify(out) == []


def test_an_export_stopped_at_any_part_renders_only_the_rest(dataset: Path, tmp_path: Path) -> None:
    parts = plan(NUM).parts()
    for number in range(len(parts)):
        out = tmp_path / str(number)
        stopping = Stopping(sum(len(part.indices) for part in parts[: number + 1]))
        with pool() as renderer, pytest.raises(Stop):
            Export(plan(NUM), DigitSource(), renderer, out, progress=stopping).run()
        assert len(list((out / "journal").iterdir())) == 1 + number
        (out / "journal/.train-00009.json.1.partial").write_text('{"part": "torn')
        with pool() as renderer:
            Export(plan(NUM), DigitSource(), renderer, out).run(resume=True)
            remaining = sum(len(part.indices) for part in parts[number:])
            assert renderer.counters.frames == remaining
        assert digest(out) == digest(dataset)


def test_a_part_damaged_while_it_was_stopped_is_written_again(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "damaged"
    with pool() as renderer:
        unfinished = Export(plan(NUM), DigitSource(), renderer, out, progress=Stopping(NUM))
        with pytest.raises(Stop):
            unfinished.run()
        flip(out / f"{plan(NUM).parts()[2].name}.tar")
    with pool() as renderer:
        replace(unfinished, pool=renderer, progress=NoProgress()).run(resume=True)
        lost = (plan(NUM).parts()[2], plan(NUM).parts()[-1])
        assert renderer.counters.frames == sum(len(part.indices) for part in lost)
    assert digest(out) == digest(dataset)


def test_resuming_a_finished_export_changes_nothing(dataset: Path) -> None:
    before = digest(dataset)
    assert export(dataset, NUM, resume=True)["written"] == NUM
    assert digest(dataset) == before


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_finished_export_that_was_damaged_is_not_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "digits"
    export(out, NUM)
    (out / "val/00000.tar").unlink()
    with pytest.raises(InputError, match=r"val/00000.tar: missing; expected what was written"):
        export(out, NUM, resume=True)


@pytest.mark.parametrize("place", ["costs/00000.tar", "logs/00000.tar", "journal/00000.tar", "other"])
def test_verify_finds_strangers_wherever_they_are(dataset: Path, tmp_path: Path, place: str) -> None:
    out = tmp_path / "digits"
    shutil.copytree(dataset, out)
    if place == "other":
        (out / place).symlink_to(dataset / "train", target_is_directory=True)
    else:
        (out / place).parent.mkdir(exist_ok=True)
        shutil.copy(dataset / "train/00000.tar", out / place)
    assert verify(out) == [f"{place}: not in the manifest"]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("export", "num"), -5, "export.num: -5"),
        (("export", "num"), "20", "export.num: '20'"),
        (("export", "modalities"), ["colour"], "export.modalities.0"),
        (("files", "card.md"), 3, "files.card.md: 3"),
        (("classes",), None, "classes"),
    ],
)
def test_a_manifest_that_is_none_is_one_line(
    dataset: Path, tmp_path: Path, path: tuple[str, ...], value: object, said: str
) -> None:
    content = json.loads((dataset / "manifest.json").read_text())
    *sections, last = path
    section = content
    for name in sections:
        section = section[name]
    section[last] = value
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"manifest\.json") as caught:
        verify(tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_verify_names_every_altered_missing_or_added_file(tmp_path: Path) -> None:
    out = tmp_path / "digits"
    export(out, NUM)
    assert verify(out) == []
    flip(out / "val/00000.tar")
    (out / "card.md").unlink()
    (out / "notes.txt").write_text("mine")
    (out / "index.json").write_text("{}")
    found = [problem.split(":")[0] for problem in verify(out)]
    assert sorted(found) == ["card.md", "index.json", "notes.txt", "val/00000.tar"]


def test_failed_scenes_are_listed_and_left_out(dataset: Path, tmp_path: Path) -> None:
    broken = {0, 13, 39}
    with pool() as renderer:
        failing = FailingPool(renderer, broken)
        counts = Export(plan(NUM), DigitSource(), failing, tmp_path / "out").run()
    assert (counts["asked"], counts["written"], counts["failed"]) == (NUM, NUM - 3, 3)
    with (tmp_path / "out/failed.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(int(row["index"]), row["reason"]) for row in rows} == {(index, "lost") for index in broken}
    kept = {sample.key: sample for sample in samples(tmp_path / "out")}
    assert kept.keys() == {s.key for s in samples(dataset) if s.provenance.index not in broken}
    assert "3 of 40 scenes failed" in (tmp_path / "out/card.md").read_text()


def test_a_renderer_that_always_fails_ends_the_export_at_once(tmp_path: Path) -> None:
    with pool() as renderer, pytest.raises(MetasimError, match="can be rendered: lost"):
        Export(plan(NUM), DigitSource(), FailingPool(renderer, range(NUM)), tmp_path / "out").run()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    before = digest(tmp_path)
    with pytest.raises(InputError, match=r"holds thesis\.txt"):
        export(tmp_path, NUM, resume=resume)
    assert digest(tmp_path) == before


def test_another_export_in_the_folder_is_left_alone(dataset: Path, tmp_path: Path) -> None:
    before = digest(dataset)
    with pytest.raises(InputError, match="a finished dataset"):
        export(dataset, NUM)
    with pytest.raises(InputError, match="num 40"):
        export(dataset, NUM + 1, resume=True)
    other = replace(DigitSource(), origin=replace(DigitSource().origin, config_sha256="d" * 64))
    with pool() as renderer, pytest.raises(InputError, match="generator"):
        Export(plan(NUM), other, renderer, dataset).run(resume=True)
    assert digest(dataset) == before


def test_an_unfinished_export_asks_for_resume(tmp_path: Path) -> None:
    Journal(LocalStore(tmp_path)).begin({"format": "webdataset"})
    before = digest(tmp_path)
    with pytest.raises(InputError, match="--resume"):
        export(tmp_path, NUM)
    with pytest.raises(InputError, match="to resume"):
        export(tmp_path, NUM, resume=True)
    assert digest(tmp_path) == before


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "RESERVE", 2**62)
    with pytest.raises(InputError, match="MB free"):
        export(tmp_path / "out", NUM)
    assert not (tmp_path / "out").exists()


def test_the_forecast_is_about_right(dataset: Path) -> None:
    with pool() as renderer:
        first = list(islice(draw(plan(NUM), DigitSource(), renderer, plan(NUM).parts()), forecast.FIRST))
    told = forecast.forecast(WebDatasetFormat(), first, 1.0, NUM)
    size = sum(path.stat().st_size for path in dataset.rglob("*.tar"))
    assert 0.6 * size < told.bytes_all < 1.6 * size


def test_results_are_put_in_order() -> None:
    order = np.random.default_rng(0).permutation(50).tolist()
    assert list(in_order((i, f"value {i}") for i in order)) == [f"value {i}" for i in range(50)]
