"""Sequences of scenes of which some go wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from paint_engine import SIZE, Fault

from metasim.base.errors import InputError
from metasim.dataset.conversion import Conversion
from metasim.dataset.formats import find_format
from metasim.dataset.manifest import load_manifest
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sequences.export import SequenceExport
from metasim.dataset.sequences.source import Reel, SequenceSource
from metasim.dataset.sequences.timeline import divide
from metasim.dataset.verify import verify
from metasim.rendering.camera import Camera
from metasim.rendering.footage import Footage, Thing
from metasim.rendering.pool import RenderPool
from metasim.runs.progress import NoProgress

RATE, MULTIPLIER, FRAMES, SEQUENCES = 50.0, 2.0, 4, 2
GOOD = ("hall", "kitchen")
FIRST = "002-00002-00006"  # the first sequence of any scene
CUPS = (Thing("Cup", "Cup"), Thing("Cup.001", "Cup"))


class Count(NoProgress):
    """Counts the steps."""

    def __init__(self) -> None:
        self.total, self.done = 0, 0

    def start(self, stage: str, total: int) -> None:
        self.total += total

    def advance(self, steps: int = 1, **values: float) -> None:
        self.done += steps


def reel(name: str, folder: Path, sequences: int) -> Reel:
    camera = Camera(np.eye(3), np.eye(4))
    footage = Footage(1, 20, RATE, CUPS, SIZE, camera, False, frozenset())
    cut = divide(1, 20, MULTIPLIER, sequences, FRAMES, name)
    return Reel(name, folder / f"{name}.blend", "0" * 64, footage, cut)


def export(
    out: Path,
    faults: Mapping[str, Fault],
    marks: Path | None = None,
    format: str = "visionsim",
    lanes: int = 2,
    sequences: int = SEQUENCES,
    engine: str = "PaintEngine",
) -> SequenceExport:
    reels = tuple(reel(name, out, sequences) for name in sorted(faults))
    source = SequenceSource(reels, MULTIPLIER, {})
    plan = ExportPlan(
        format=format,
        num=len(faults) * sequences * FRAMES,
        modalities=(Modality.RGB, Modality.DEPTH, Modality.INSTANCE),
        split={"train": 0.5, "test": 0.5},
        seed=0,
        size=SIZE,
        part_samples=FRAMES,
        views=FRAMES,
        siblings=sequences,
        independent_draws=False,
    )

    def open_pool(reel: Reel, way: Path | None) -> RenderPool:
        options = {"fault": faults[reel.name], "marks": marks}
        return RenderPool(f"paint_engine:{engine}", options, workers=1, timeout_s=2.0)

    excluded = {"attic": "too dusty"}
    return SequenceExport(plan, source, open_pool, lanes, out, out / "logs", excluded, Count())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def files(out: Path) -> Mapping[str, object]:
    return {path: file for path, file in load_manifest(out)["files"].items() if "/renders/" in path}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sound") / "out"
    assert export(out, dict.fromkeys(GOOD, "none")).run()["failed"] == 0
    return out


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Count]:
    """Two sound scenes among five that are not."""
    out = tmp_path_factory.mktemp("torn") / "out"
    wrong: dict[str, Fault] = {name: name for name in ("crash", "hang", "refuse", "unborn", "late")}
    made = export(out, {**dict.fromkeys(GOOD, "none"), **wrong}, sequences=1)
    made.run()
    assert isinstance(made.progress, Count)
    return out, made.progress


def test_every_scene_has_its_sequences_and_no_two_share_a_frame(sound: Path) -> None:
    found = sorted(path.parent.relative_to(sound).parts[-2:] for path in sound.rglob("transforms.json"))
    assert len(found) == len(GOOD) * SEQUENCES
    for scene in GOOD:
        spans = [tuple(map(int, name.split("-")[1:])) for where, name in found if where == scene]
        assert [stop - start for start, stop in spans] == [FRAMES] * SEQUENCES
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
    shown = [
        sample.graph.nodes[0].attributes["frame"]
        for sample in find_format("visionsim").read(sound)
        if sample.facts["name"] == GOOD[0]
    ]
    assert len(set(shown)) == len(shown) == SEQUENCES * FRAMES


def test_three_scenes_of_four_sequences_each_are_twelve_folders(tmp_path: Path) -> None:
    scenes, each = ("attic", "hall", "kitchen"), 4
    export(tmp_path, dict.fromkeys(scenes, "none"), sequences=each, engine="CalmPaint").run()
    found = sorted(path.parent.relative_to(tmp_path).parts[-2:] for path in tmp_path.rglob("transforms.json"))
    starts = [2 + 38 * number // each for number in range(each)]  # from the first frame to the last
    names = [f"{round(MULTIPLIER):03d}-{start:05d}-{start + FRAMES:05d}" for start in starts]
    assert found == [(scene, name) for scene in scenes for name in names]
    assert all(one + FRAMES <= other for one, other in pairwise(starts))


def test_a_scene_is_in_one_split(sound: Path) -> None:
    splits = {path.relative_to(sound).parts[:3:2] for path in sound.rglob("transforms.json")}
    assert len(splits) == len(GOOD)
    assert {split for split, _ in splits} == {"train", "test"}


def test_info_tells_rate_way_and_time(sound: Path) -> None:
    paths = list(sound.rglob("info.json"))
    assert len(paths) == len(GOOD) * SEQUENCES
    for path in paths:
        info = json.loads(path.read_text())
        seconds = (FRAMES - 1) / (RATE * MULTIPLIER)
        assert info["frame_rate"] == RATE * MULTIPLIER
        assert info["elapsed_time"] == pytest.approx(seconds, abs=1e-12)
        assert info["distance_traveled"] == pytest.approx((FRAMES - 1) / 100, abs=1e-6)
        assert info["average_velocity"] == pytest.approx((FRAMES - 1) / 100 / seconds, rel=1e-9)


def test_every_sequence_has_a_preview_of_its_own(sound: Path) -> None:
    assert len(list((sound / "previews").rglob("*.png"))) == len(GOOD) * SEQUENCES


def test_what_is_left_out_and_why_is_in_a_table(sound: Path) -> None:
    assert rows(sound / "excluded.csv") == [{"scene": "attic", "reason": "too dusty"}]
    assert verify(sound) == []


def test_a_scene_that_goes_wrong_stops_no_other(sound: Path, torn: tuple[Path, Count]) -> None:
    out, progress = torn
    whole = {path.split("/renders/")[1] for path in files(out)}
    expected = {path.split("/renders/")[1] for path in files(sound) if FIRST in path}
    assert len(expected) == len(GOOD) * (3 * FRAMES + 3)
    assert expected <= whole
    assert progress.done == progress.total == (len(GOOD) + len(FAULTS)) * FRAMES


def test_tables_and_logs_say_which_frames_failed_and_why(torn: tuple[Path, Count]) -> None:
    out, _ = torn
    reasons: dict[str, set[str]] = {}
    source = export(out, dict.fromkeys((*GOOD, *FAULTS), "none"), sequences=1).source
    for row in rows(out / "failed.csv"):
        reasons.setdefault(source.reel(int(row["index"])).name, set()).add(row["reason"])
    assert reasons.keys() == FAULTS.keys()
    for name, words in FAULTS.items():
        assert any(words in reason for reason in reasons[name]), reasons[name]
        assert words in (out / "logs" / name / f"{FIRST}.log").read_text()
    assert len(list((out / "logs").rglob("*.log"))) == len(GOOD) + len(FAULTS)
    assert verify(out) == []


FAULTS = {
    "crash": "given up after 3 failures in a row: worker ended by SIGSEGV",
    "hang": "no answer for 2 s",
    "refuse": "a unicorn",
    "unborn": "not a scene",
    "late": "SIGSEGV",
}
"""Words of the reason, by name of a scene, which says what is wrong with it."""


def test_frames_before_a_crash_are_kept(torn: tuple[Path, Count]) -> None:
    out, _ = torn
    (first, *_) = sorted(path for path in out.rglob("transforms.json") if path.parent.parent.name == "late")
    assert [f["file_path"] for f in json.loads(first.read_text())["frames"]] == [
        "frames/frame_000000.png",
        "frames/frame_000001.png",
    ]


def test_a_finished_dataset_is_not_rendered_again(sound: Path, tmp_path: Path) -> None:
    before = files(sound)
    assert export(sound, dict.fromkeys(GOOD, "none"), marks=tmp_path).run(resume=True)["failed"] == 0
    assert files(sound) == before
    assert not list(tmp_path.iterdir())


def test_an_interrupted_one_goes_on_with_the_sequences_that_are_not_whole(
    sound: Path, tmp_path: Path
) -> None:
    out, marks = tmp_path / "out", tmp_path / "marks"
    marks.mkdir()

    class Tired(Count):
        def advance(self, steps: int = 1, **values: float) -> None:
            super().advance(steps)
            if self.done == 3 * FRAMES:
                raise KeyboardInterrupt

    made = export(out, dict.fromkeys(GOOD, "none"), marks, lanes=1)
    object.__setattr__(made, "progress", Tired())
    with pytest.raises(KeyboardInterrupt):
        made.run()
    begun = len(list(marks.iterdir()))
    again = tmp_path / "again"
    again.mkdir()
    export(out, dict.fromkeys(GOOD, "none"), again, lanes=1).run(resume=True)
    assert files(out) == files(sound)
    assert begun < len(GOOD) * SEQUENCES * FRAMES
    assert len(list(again.iterdir())) == (len(GOOD) * SEQUENCES - 2) * FRAMES


@pytest.mark.parametrize("format", ["visionsim-npy", "webdataset"])
def test_other_formats_hold_sequences_too(tmp_path: Path, format: str) -> None:
    names = {"kitchen": "none"}
    made = export(tmp_path, names, format=format)  # type: ignore[arg-type]
    if format == "visionsim-npy":
        object.__setattr__(made.plan, "modalities", (Modality.RGB, Modality.DEPTH))
    made.run()
    samples = list(find_format(format).read(tmp_path))
    assert len(samples) == SEQUENCES * FRAMES
    assert {sample.sequence for sample in samples} == {
        made.source.sequence(i * FRAMES) for i in range(SEQUENCES)
    }
    for sample in samples:
        frame = sample.graph.nodes[0].attributes["frame"]
        np.testing.assert_array_equal(sample.images[Modality.RGB], np.uint8(frame))


def test_hypersim_keeps_the_time_between_frames(tmp_path: Path) -> None:
    made = export(tmp_path, {"kitchen": "none"}, format="hypersim")
    object.__setattr__(made.plan, "modalities", (Modality.DEPTH,))
    made.run()
    (rate,) = {sample.facts["frame_rate"] for sample in find_format("hypersim").read(tmp_path)}
    tables = [path.read_text() for path in tmp_path.rglob("metadata_camera.csv")]
    assert len(tables) == SEQUENCES
    for table in tables:
        (row,) = csv.DictReader(table.splitlines())
        assert float(row["parameter_value"]) == pytest.approx(1 / rate)
        assert rate != 1


def test_a_scene_stays_in_its_split_in_another_format(tmp_path: Path) -> None:
    export(tmp_path / "a", dict.fromkeys(GOOD, "none"), format="webdataset", engine="CalmPaint").run()
    Conversion(tmp_path / "a", "hdf5", tmp_path / "b").run()
    splits = [
        {sample.key: sample.split for sample in find_format(format).read(tmp_path / place)}
        for place, format in (("a", "webdataset"), ("b", "hdf5"))
    ]
    assert splits[0] == splits[1]
    assert len(splits[0]) == len(GOOD) * SEQUENCES * FRAMES


def test_a_lens_that_changes_fails_its_frames_alone(tmp_path: Path) -> None:
    counts = export(tmp_path, {"kitchen": "none", "zoom": "zoom"}).run()
    assert counts["failed"] == SEQUENCES * (FRAMES - 1)
    assert {"another lens" in row["reason"] for row in rows(tmp_path / "failed.csv")} == {True}


def test_of_nothing_at_all_the_tables_say_why(tmp_path: Path) -> None:
    counts = export(tmp_path, {"unborn": "unborn"}).run()
    assert (counts["written"], counts["failed"]) == (0, SEQUENCES * FRAMES)
    assert {row["reason"] for row in rows(tmp_path / "failed.csv")} == {"file: not a scene; expected one"}


def test_logs_that_cannot_be_written_are_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^--logs: .*/file/.*Not a directory"):
        replace(export(tmp_path / "out", {"kitchen": "none"}), logs=tmp_path / "file").run()
