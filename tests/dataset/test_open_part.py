"""Parts that are written at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ball_scene import CLASSES, ORIGIN, SIZE, ball_sample

from metasim.base.errors import MetasimError
from metasim.dataset.assembly import Assembly
from metasim.dataset.drawing import Drawn
from metasim.dataset.forecast import FIRST
from metasim.dataset.journal import PartRecord, SceneCost
from metasim.dataset.manifest import load_manifest
from metasim.dataset.modality import Modality
from metasim.dataset.open_part import OpenPart
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.preview import Sheet
from metasim.dataset.sample import Sample
from metasim.dataset.verify import verify
from metasim.rendering.attempt import SceneFailure

VIEWS, ROWS = 3, 4
COST = SceneCost(None, 0.0)


def plan(format: str) -> ExportPlan:
    modalities = (Modality.RGB, Modality.DEPTH)
    return ExportPlan(
        format=format,
        num=VIEWS * ROWS,
        modalities=modalities,
        split={"train": 1.0},
        seed=0,
        size=SIZE,
        part_samples=VIEWS,
        views=VIEWS,
        independent_draws=False,
    )


def drawn(part: Part, index: int, lens: int = 0) -> Drawn:
    sample = ball_sample(index, skew=0.0)
    camera = ball_sample(lens, skew=0.0).camera
    images = {m: sample.images[m] for m in (Modality.RGB, Modality.DEPTH)}
    seen = replace(
        sample, images=images, boxes=None, full_boxes=None, visibility=None, solids=None, camera=camera
    )
    return Drawn(part, index, replace(seen, sequence=f"s/{part.number}", frame=index % VIEWS), COST)


def in_turn(parts: Sequence[Part]) -> Iterator[Drawn]:
    for part in parts:
        yield from (drawn(part, index) for index in part.indices)


def mingled(parts: Sequence[Part]) -> Iterator[Drawn]:
    for at in range(VIEWS):
        yield from (drawn(part, part.indices[at]) for part in reversed(parts))


def files(out: Path) -> dict[str, dict[str, object]]:
    return load_manifest(out)["files"]


@pytest.mark.parametrize("format", ["visionsim", "visionsim-npy", "webdataset"])
def test_the_order_of_parts_does_not_matter(tmp_path: Path, format: str) -> None:
    for name, draw in (("one", in_turn), ("other", mingled)):
        counts = Assembly(plan(format), ORIGIN, CLASSES, draw, tmp_path / name).run()
        assert counts["written"] == VIEWS * ROWS
    assert files(tmp_path / "one") == files(tmp_path / "other")


def test_a_view_that_the_format_cannot_hold_fails_alone(tmp_path: Path) -> None:
    def zooming(parts: Sequence[Part]) -> Iterator[Drawn]:
        for scene in mingled(parts):
            strange = scene.part.number == 0 and scene.index == 1
            yield drawn(scene.part, scene.index, lens=1) if strange else scene

    counts = Assembly(plan("visionsim"), ORIGIN, CLASSES, zooming, tmp_path).run()
    assert (counts["written"], counts["failed"]) == (VIEWS * ROWS - 1, 1)
    assert "another lens" in (tmp_path / "failed.csv").read_text()


def test_an_end_amid_parts_leaves_only_whole_ones(tmp_path: Path) -> None:
    def torn(parts: Sequence[Part]) -> Iterator[Drawn]:
        yield from (drawn(parts[0], index) for index in parts[0].indices)
        yield drawn(parts[1], parts[1].indices[0])
        yield from (drawn(parts[2], index) for index in parts[2].indices)
        yield from (drawn(parts[3], index) for index in parts[3].indices[:2])
        raise MetasimError("the light went out")

    export = Assembly(plan("visionsim"), ORIGIN, CLASSES, torn, tmp_path)
    with pytest.raises(MetasimError, match="light"):
        export.run()
    found = {path.parent.name for path in tmp_path.rglob("transforms.json")}
    assert found == {"0", "2"}
    assert not [path for path in tmp_path.rglob("*.partial")]
    redrawn: list[Part] = []

    def rest(parts: Sequence[Part]) -> Iterator[Drawn]:
        redrawn.extend(parts)
        yield from in_turn(parts)

    assert replace(export, draw=rest).run(resume=True)["written"] == VIEWS * ROWS
    assert [part.number for part in redrawn] == [1, 3]


def test_things_that_fail_first_do_not_stop_others(tmp_path: Path) -> None:
    def failing(parts: Sequence[Part]) -> Iterator[Drawn]:
        for scene in in_turn(parts):
            assert isinstance(scene.result, Sample)
            gone = SceneFailure("it is on fire")
            yield scene if scene.part.number == ROWS - 1 else replace(scene, result=gone)

    counts = Assembly(plan("visionsim"), ORIGIN, CLASSES, failing, tmp_path).run()
    assert (counts["written"], counts["failed"]) == (VIEWS, VIEWS * (ROWS - 1))


def late(parts: Sequence[Part]) -> Iterator[Drawn]:
    """Only the last scene can be rendered."""
    for scene in in_turn(parts):
        yield scene if scene.index == FIRST else replace(scene, result=SceneFailure("it is on fire"))


def once(out: Path, afar: bool, independent_draws: bool) -> Assembly:
    """Things that are seen once, of which only the last can be."""
    what = replace(
        plan("webdataset"),
        num=FIRST + 1,
        part_samples=FIRST,
        views=1,
        independent_draws=independent_draws,
    )

    def made(parts: Sequence[Part]) -> Iterator[PartRecord]:
        for part in parts:
            opened = OpenPart(what, out, part, Sheet(part))
            for scene in late([part]):
                opened.add(scene)
            yield opened.close()

    return Assembly(what, ORIGIN, CLASSES, late, out, afar=made if afar else None)


@pytest.mark.parametrize("afar", [False, True])
def test_the_first_draws_of_a_generator_tell_of_all_and_other_scenes_do_not(
    tmp_path: Path, afar: bool
) -> None:
    with pytest.raises(MetasimError, match=f"none of the .*{FIRST} scenes .*: it is on fire"):
        once(tmp_path / "draws", afar, independent_draws=True).run()
    counts = once(tmp_path / "things", afar, independent_draws=False).run()
    assert (counts["written"], counts["failed"]) == (1, FIRST)
    assert verify(tmp_path / "things") == []
