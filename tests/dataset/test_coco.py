"""What pycocotools says of our COCO datasets."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ball_scene import CLASSES, ball_sample
from digits import DigitSource, plan, pool
from exchange import lean
from PIL import Image

from metasim.dataset.export import Export
from metasim.dataset.formats.coco import CocoFormat
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sample import Sample
from metasim.dataset.verify import verify

SPLIT = {"train": 0.5, "val": 0.5}
NUM = 10


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[Sample]]]:
    """Two splits of several parts each."""
    out = tmp_path_factory.mktemp("coco")
    plan = ExportPlan("coco", NUM, (), SPLIT, 0, (24, 32), part_samples=2)
    samples: dict[str, list[Sample]] = {split: [] for split in SPLIT}
    for part in plan.parts():
        with CocoFormat().open(out, part) as writer:
            for index in part.indices:
                sample = lean(ball_sample(index, (24, 32), part.split), CocoFormat.modalities)
                writer.add(sample)
                samples[part.split].append(sample)
    CocoFormat().finalise(out, DatasetInfo(plan, CLASSES, {}))
    return out, samples


def load(out: Path, split: str) -> Any:
    coco = pytest.importorskip("pycocotools.coco")
    with contextlib.redirect_stdout(io.StringIO()):
        return coco.COCO(str(out / f"annotations/instances_{split}.json"))


@pytest.mark.parametrize("split", SPLIT)
def test_pycocotools_finds_every_pixel_of_every_instance(
    dataset: tuple[Path, dict[str, list[Sample]]], split: str
) -> None:
    out, samples = dataset
    coco = load(out, split)
    assert {c["id"]: c["name"] for c in coco.loadCats(coco.getCatIds())} == dict(enumerate(CLASSES, start=1))
    for image, sample in zip(coco.loadImgs(sorted(coco.getImgIds())), samples[split], strict=True):
        with Image.open(out / split / image["file_name"]) as picture:
            np.testing.assert_array_equal(np.asarray(picture), sample.images[Modality.RGB])
            assert picture.size == (image["width"], image["height"])
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        assert len(annotations) == len(sample.boxes or ()) > 0
        for annotation, box in zip(annotations, sample.boxes or (), strict=True):
            mask = sample.images[Modality.INSTANCE] == box.instance
            np.testing.assert_array_equal(coco.annToMask(annotation), mask)
            assert annotation["area"] == mask.sum()
            assert (*annotation["bbox"], annotation["category_id"]) == tuple(box.row)


def test_ids_are_unique_over_all_splits(dataset: tuple[Path, dict[str, list[Sample]]]) -> None:
    loaded = [load(dataset[0], split) for split in SPLIT]
    for ids in ([*coco.imgs] for coco in loaded), ([*coco.anns] for coco in loaded):
        together = [i for some in ids for i in some]
        assert sorted(together) == list(range(1, len(together) + 1))


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_the_truth_has_an_average_precision_of_one(
    dataset: tuple[Path, dict[str, list[Sample]]], kind: str
) -> None:
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    truth = load(dataset[0], "train")
    keys = ("image_id", "category_id", "bbox", "segmentation")
    results = [{**{k: a[k] for k in keys}, "score": 1.0} for a in truth.dataset["annotations"]]
    assert evaluate(evaluation, truth, results, kind) == pytest.approx(1.0)
    worse = json.loads(json.dumps(results))
    for result in worse:
        result["category_id"] = result["category_id"] % len(CLASSES) + 1
    assert evaluate(evaluation, truth, worse, kind) < 0.5


def test_an_export_is_whole_for_pycocotools(tmp_path: Path) -> None:
    with pool() as renderer:
        counts = Export(plan(20, format="coco"), DigitSource(), renderer, tmp_path / "out").run()
    assert verify(tmp_path / "out") == []
    loaded = [load(tmp_path / "out", split) for split in ("train", "val", "test")]
    assert sum(len(coco.imgs) for coco in loaded) == counts["written"] == 20
    found = list(CocoFormat().read(tmp_path / "out"))
    assert sum(len(coco.anns) for coco in loaded) == sum(len(sample.boxes or ()) for sample in found)


def test_splits_may_begin_alike(tmp_path: Path) -> None:
    shares = {"train": 0.5, "train_2": 0.5}
    with pool() as renderer:
        whole = replace(plan(12, format="coco"), split=shares)
        Export(whole, DigitSource(), renderer, tmp_path / "out").run()
    found = [sample.split for sample in CocoFormat().read(tmp_path / "out")]
    assert sorted(found) == ["train"] * 6 + ["train_2"] * 6


def evaluate(evaluation: Any, truth: Any, results: list[dict[str, Any]], kind: str) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        judge = evaluation.COCOeval(truth, truth.loadRes(results), kind)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[0])
