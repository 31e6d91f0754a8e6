"""What other people's loaders and statistics find in an export of ours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import webdataset
from digits import ORIGIN, DigitSource, plan
from scipy.stats import ks_2samp

from metasim.dataset.affordance import Affordances
from metasim.dataset.export import Export
from metasim.dataset.formats.webdataset import WebDatasetFormat
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.rendering.pool import RenderPool
from metasim.scene.serialization import from_json

NUM = 2000
WORDS = Affordances({str(digit): frozenset({"count", f"count_{digit}"}) for digit in range(10)})
LABELS = (Modality.RGB, Modality.INSTANCE, Modality.SEMANTIC, Modality.AFFORDANCE, Modality.BBOX)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "digits"
    what = plan(NUM, modalities=LABELS, affordances=WORDS, size=(16, 16), part_samples=500)
    with RenderPool("sprites", {"size": 16}) as renderer:
        Export(what, DigitSource(), renderer, out).run()
    return out


@pytest.fixture(scope="module")
def samples(dataset: Path) -> dict[str, Sample]:
    return {sample.key: sample for sample in WebDatasetFormat().read(dataset)}


def test_hugging_face_loads_the_whole_folder(
    dataset: Path, samples: dict[str, Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = datasets.load_dataset("webdataset", data_dir=str(dataset), cache_dir=str(tmp_path))
    numbers = {split: sum(s.split in split for s in samples.values()) for split in ("train", "test")}
    numbers["validation"] = sum(s.split == "val" for s in samples.values())
    assert {split: len(rows) for split, rows in found.items()} == numbers
    for row in found["test"].select(range(50)):
        sample = samples[row["__key__"]]
        np.testing.assert_array_equal(np.asarray(row["png"]), sample.images[Modality.RGB])
        np.testing.assert_array_equal(np.asarray(row["instance.png"]), sample.images[Modality.INSTANCE])
        affordance = np.asarray(row["affordance.npz"]["data"], dtype=bool)
        np.testing.assert_array_equal(affordance, sample.images[Modality.AFFORDANCE])
        assert row["bbox.json"] == [box.row for box in sample.boxes or ()]
        assert from_json(json.loads(row["graph.txt"])) == sample.graph


def test_webdataset_reads_every_shard(dataset: Path, samples: dict[str, Sample]) -> None:
    shards = sorted(str(path) for path in dataset.glob("*/*.tar"))
    rows = webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8")  # pyright: ignore
    keys = []
    for row in rows:
        keys.append(row["__key__"])
        assert row["json"]["provenance"]["run"] == ORIGIN.run
        assert row["json"]["provenance"]["seed"] == 0
        assert row["json"]["provenance"]["config_sha256"] == ORIGIN.config_sha256
    assert sorted(keys) == sorted(samples)


def test_attributes_follow_the_generator(samples: dict[str, Sample]) -> None:
    fresh = [DigitSource(seed=5).scene(index) for index in range(NUM)]
    exported = [sample.graph for sample in samples.values()]
    for attribute in ("loc_x", "loc_y"):
        here, there = (
            [node.attributes[attribute] for graph in graphs for node in graph.of_symbol("digit")]
            for graphs in (exported, fresh)
        )
        assert ks_2samp(here, there).pvalue > 1e-3  # pyright: ignore[reportAttributeAccessIssue]


def test_the_card_and_statistics_can_be_counted_again(dataset: Path, samples: dict[str, Sample]) -> None:
    statistics = json.loads((dataset / "statistics.json").read_text())
    semantic = np.stack([s.images[Modality.SEMANTIC] for s in samples.values()])
    names = ("background", *DigitSource().schema.class_names)
    pixels = {name: int((semantic == i).sum()) for i, name in enumerate(names)}
    assert statistics["pixels_by_class"] == {name: n for name, n in pixels.items() if n}
    card = (dataset / "card.md").read_text()
    nodes = [node.cls for sample in samples.values() for node in sample.graph.nodes]
    for name in names[2:]:
        share = pixels[name] / semantic.size
        assert f"| {name} | {nodes.count(name)} | {nodes.count(name) / NUM:.3f} | {share:.4f} |" in card
    assert "count, count_0, count_1" in card
    assert (dataset / "previews/sheet_train.png").is_file()


def test_every_sample_has_a_cost_and_they_sum_to_the_totals(dataset: Path) -> None:
    table = np.genfromtxt(
        dataset / "costs/samples.csv", delimiter=",", names=True, dtype=None, encoding="utf-8"
    )
    totals = json.loads((dataset / "costs/totals.json").read_text())
    assert table["index"].tolist() == list(range(NUM))
    assert totals["scenes"] == NUM
    for column in ("render_wall_s", "render_cpu_s", "label_s"):
        assert table[column].sum() == pytest.approx(totals[column], abs=NUM * 1e-6)
    assert (table["render_peak_mb"] > 0).all()
    assert totals["last_session_wall_s"] > totals["render_wall_s"]
