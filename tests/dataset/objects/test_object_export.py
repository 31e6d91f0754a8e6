"""Views of many assets, some of which hang, crash, are broken or cannot be seen."""

from __future__ import annotations

import csv
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from metasim.base.errors import InputError
from metasim.dataset.conversion import Conversion
from metasim.dataset.forecast import FIRST
from metasim.dataset.formats import find_format
from metasim.dataset.manifest import load_manifest
from metasim.dataset.modality import Modality
from metasim.dataset.objects.blacklist import Blacklist
from metasim.dataset.objects.export import ObjectExport
from metasim.dataset.objects.gate import Gate
from metasim.dataset.objects.source import ObjectSource, subjects_of
from metasim.dataset.objects.variation import VariationPlan
from metasim.dataset.plan import ExportPlan
from metasim.dataset.verify import verify
from metasim.rendering.asset import Asset
from metasim.rendering.pool import RenderPool
from metasim.runs.progress import NoProgress

VIEWS = 4
MODALITIES = (Modality.RGB, Modality.DEPTH, Modality.NORMAL, Modality.MASK)


@pytest.fixture(autouse=True)
def _engine_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


class Interrupted(Exception):
    pass


class Impatient(NoProgress):
    """Interrupts after some samples."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def advance(self, steps: int = 1, **values: float) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise Interrupted


@dataclass
class Studio:
    """Assets in a folder, and what it takes to render them."""

    folder: Path
    names: tuple[str, ...]
    format: str = "freesplatter"
    shard: int = 1
    workers: int = 2
    split: tuple[tuple[str, float], ...] = (("train", 1.0),)
    attempts: int = 3
    engine: str = "StillEngine"
    views: int = VIEWS

    def __post_init__(self) -> None:
        self.marks = self.folder / "marks"
        self.marks.mkdir(parents=True, exist_ok=True)
        for name in self.names:
            if not (self.folder / f"{name}.obj").exists():
                (self.folder / f"{name}.obj").write_text(f"o {name}\n")

    @property
    def source(self) -> ObjectSource:
        assets = [Asset(f"{name}.obj", name, self.folder / f"{name}.obj") for name in sorted(self.names)]
        gate = Gate(attempts=self.attempts)
        return ObjectSource(subjects_of(assets), VariationPlan(), gate, self.views, {"name": "STILL"})

    def render(self, out: Path, resume: bool = False, **options: Any) -> dict[str, Any]:
        plan = ExportPlan(
            format=self.format,
            num=len(self.names) * self.views,
            modalities=MODALITIES,
            split=dict(self.split),
            seed=0,
            size=(16, 16),
            part_samples=self.shard * self.views,
            views=self.views,
            independent_draws=False,
        )
        settings = {"marks": self.marks}
        with RenderPool(f"still_engine:{self.engine}", settings, self.workers, timeout_s=1.0) as pool:
            export = ObjectExport(plan, self.source, pool, out, **options)
            counts = export.run(resume)
            self.restarts = pool.counters.restarts
        return counts

    def tried(self) -> Counter[str]:
        """Scenes rendered so far, by class."""
        return Counter(path.name.partition("_")[0] for path in self.marks.iterdir())


def rows(out: Path, which: str) -> dict[str, dict[str, str]]:
    with (out / f"assets_{which}.csv").open() as file:
        return {row["asset"].removesuffix(".obj"): row for row in csv.DictReader(file)}


def content(out: Path) -> dict[str, bytes]:
    """All files except measurements."""
    files = [path for path in out.rglob("*") if path.is_file() and path.parent.name != "costs"]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_bad_assets_fail_alone_and_the_tables_say_why(tmp_path: Path) -> None:
    good = ("anvil", "bell", "shy")
    bad = {
        "blank": "no valid view in 3 attempts, the last with foreground 0",
        "broken": "broken.obj: no faces",
        "crash": "SIGSEGV",
        "hang": "no answer for 1 s",
        "stranger": "the engine shows other.obj: its folder has changed",
    }
    studio = Studio(tmp_path / "assets", (*good, *bad))
    counts = studio.render(tmp_path / "out")
    assert (counts["written"], counts["failed"]) == (len(good) * VIEWS, len(bad) * VIEWS)
    success, failed = rows(tmp_path / "out", "success"), rows(tmp_path / "out", "failed")
    assert set(success) == set(good)
    assert set(failed) == set(bad)
    assert {row["views"] for row in success.values()} == {str(VIEWS)}
    for name, reason in bad.items():
        assert reason in failed[name]["reason"], failed[name]
        assert "\n" not in failed[name]["reason"]
    zips = {path.stem for path in (tmp_path / "out").rglob("*.zip")}
    assert zips == {row["uid"] for row in success.values()}
    assert zips == {str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.obj")) for name in good}
    assert verify(tmp_path / "out") == []


@pytest.mark.parametrize("views", [1, 2])
def test_many_bad_assets_before_the_good_ones_do_not_stop_them(tmp_path: Path, views: int) -> None:
    bad, good = [f"broken{i}" for i in range(FIRST + 2)], ("sound", "well")
    studio = Studio(tmp_path / "assets", (*bad, *good), engine="CalmEngine", views=views)
    counts = studio.render(tmp_path / "out", blacklist=tmp_path / "bad.yaml")
    assert (counts["written"], counts["failed"]) == (len(good) * views, len(bad) * views)
    assert set(rows(tmp_path / "out", "success")) == set(good)
    learnt = set(Blacklist.load(tmp_path / "bad.yaml").reasons)
    assert learnt == {s.file.sha256 for s in studio.source.subjects if s.asset.name.startswith("broken")}
    Conversion(tmp_path / "out", "webdataset", tmp_path / "other").run()
    assert load_manifest(tmp_path / "other")["counts"] == counts


def test_a_view_that_shows_too_little_is_drawn_again_a_bounded_number_of_times(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "assets", ("blank", "shy"), attempts=12, engine="CalmEngine")
    studio.render(tmp_path / "out")
    samples = list(find_format("freesplatter").read(tmp_path / "out"))
    assert len(samples) == VIEWS
    assert all(s.graph.by_name["camera"].attributes["azimuth"] <= 180.0 for s in samples)
    attempts = [s.facts["view"]["attempt"] for s in samples]
    assert max(attempts) > 0
    assert studio.tried() == {"blank": VIEWS * 12, "shy": VIEWS + sum(attempts)}


@pytest.mark.parametrize("form", [("freesplatter", 1), ("webdataset", 2), ("freesplatter-torch", 3)])
def test_an_interrupted_run_goes_on_without_doing_anything_twice(
    tmp_path: Path, form: tuple[str, int]
) -> None:
    names = ("anvil", "bell", "broken", "cup", "dice", "shy")
    whole = Studio(tmp_path / "whole", names, *form, engine="CalmEngine")
    whole.render(tmp_path / "a")
    torn = Studio(tmp_path / "torn", names, *form)
    with pytest.raises(Interrupted):
        torn.render(tmp_path / "b", progress=Impatient(3 * VIEWS + 1))
    finished = {path.read_text() for path in (tmp_path / "b/journal").iterdir() if "export" not in path.name}
    for mark in torn.marks.iterdir():
        mark.unlink()
    torn.render(tmp_path / "b", resume=True)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert len(finished) == 3 // form[1]
    done = 3 // form[1] * form[1]
    assert len(torn.tried()) == len(names) - done
    torn.render(tmp_path / "b", resume=True)
    assert len(torn.tried()) == len(names) - done


def test_an_asset_that_has_changed_is_not_resumed(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "assets", ("anvil", "bell"))
    studio.render(tmp_path / "out")
    (tmp_path / "assets/bell.obj").write_text("o another\n")
    with pytest.raises(InputError, match="generator"):
        studio.render(tmp_path / "out", resume=True)


def test_what_failed_is_not_tried_again_until_it_is_mended(tmp_path: Path) -> None:
    studio, listed = Studio(tmp_path / "assets", ("anvil", "crash", "hang")), tmp_path / "bad.yaml"
    studio.render(tmp_path / "a", blacklist=listed)
    assert studio.restarts > 0
    files = [(tmp_path / f"assets/{name}.obj") for name in ("crash", "hang")]
    assert set(Blacklist.load(listed).reasons) == {s.file.sha256 for s in studio.source.subjects[1:]}
    tried = studio.tried()
    studio.render(tmp_path / "b", blacklist=listed)
    assert studio.restarts == 0
    assert studio.tried() == tried + Counter(anvil=VIEWS)
    assert "on the blacklist: no answer" in rows(tmp_path / "b", "failed")["hang"]["reason"]
    files[0].write_text("o mended\n")
    studio.render(tmp_path / "c", blacklist=listed)
    assert studio.tried()["crash"] > tried["crash"]
    assert studio.tried()["hang"] == tried["hang"]


def test_a_blacklist_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("mug.obj: ugly\n")
    with pytest.raises(InputError, match=r"bad\.yaml: mug\.obj: 'ugly'; expected a reason by the SHA-256"):
        Blacklist.load(tmp_path / "bad.yaml")


def test_an_asset_falls_in_one_split_whole(tmp_path: Path) -> None:
    names = tuple(f"cup{i}" for i in range(8))
    shares = (("train", 0.75), ("test", 0.25))
    studio = Studio(tmp_path / "assets", names, "webdataset", 2, split=shares, engine="CalmEngine")
    studio.render(tmp_path / "out")
    places: dict[str, list[str]] = {}
    for sample in find_format("webdataset").read(tmp_path / "out"):
        places.setdefault(sample.sequence, []).append(sample.split)
    assert Counter(tuple(found) for found in places.values()) == {
        ("train",) * VIEWS: 6,
        ("test",) * VIEWS: 2,
    }


def test_one_that_hangs_delays_only_those_that_share_its_part(tmp_path: Path) -> None:
    """The parts are written in the order in which they are done, the hanging one's last."""
    studio = Studio(tmp_path / "assets", ("aaa", "hang", "slow", "zzz"))
    order: list[int] = []

    class Watch(NoProgress):
        def advance(self, steps: int = 1, **values: float) -> None:
            order.append(len(list((tmp_path / "out/journal").glob("train-*"))))

    studio.render(tmp_path / "out", progress=Watch())
    assert order[-VIEWS:] == [3] * VIEWS


def test_assets_with_one_identifier_are_refused(tmp_path: Path) -> None:
    for name in ("a.obj", "b.obj"):
        (tmp_path / name).write_text("o\n")
    assets = [Asset(n, "mug", tmp_path / n, identifier="https://example.org/1") for n in ("a.obj", "b.obj")]
    with pytest.raises(InputError, match=r"a\.obj and b\.obj: one identifier"):
        subjects_of(assets)


def test_facts_of_an_asset_survive_every_format_that_a_view_fits_in(tmp_path: Path) -> None:
    for name in ("freesplatter", "webdataset", "hdf5", "folder", "freesplatter-torch"):
        studio = Studio(tmp_path / "assets", ("anvil",), name, engine="CalmEngine")
        studio.render(tmp_path / name)
        samples = list(find_format(name).read(tmp_path / name))
        assert [s.frame for s in samples] == list(range(VIEWS))
        for sample in samples:
            assert sample.facts["asset"]["sha256"] == studio.source.subjects[0].file.sha256
            assert sample.facts["view"]["foreground"] == 0.25
