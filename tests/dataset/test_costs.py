"""What a sample costs, stage by stage, where an engine tells."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from digits import DigitSource

from metasim.bench.export import GrammarSource
from metasim.dataset.export import Export
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.pool import SPREAD, RenderPool
from metasim.rendering.protocol import Pass

GRAMMAR = Path(__file__).parents[2] / "experiments/grammars/tyol/multi_8_attr.yaml"
NUM = 6


@pytest.mark.skipif(find_spec("bpy") is None, reason="without bpy")
def test_a_blender_sample_says_what_each_stage_took(tmp_path: Path) -> None:
    source = GrammarSource(SceneGrammar.from_file(GRAMMAR))
    labels = (Modality.RGB, Modality.DEPTH, Modality.INSTANCE)
    plan = ExportPlan("webdataset", NUM, labels, {"train": 1.0}, 0, (32, 32))
    options = {"scene": "tyol", "size": 32, "samples": 4}
    with RenderPool("blender", options, workers=1) as pool:
        licences = pool.capabilities.licences
        Export(plan, source, pool, tmp_path / "out", licences=licences).run()
    with (tmp_path / "out/costs/samples.csv").open() as file:
        rows = [{k: float(v) for k, v in row.items() if k.endswith("_s")} for row in csv.DictReader(file)]
    assert len(rows) == NUM
    for row in rows:
        stages = (row["scene_s"], row["beauty_s"], row["labels_s"])
        assert all(seconds > 0 for seconds in stages)
        assert sum(stages) <= row["render_wall_s"] + 1e-6
    totals = json.loads((tmp_path / "out/costs/totals.json").read_text())
    for stage, seconds in totals["stages_s"].items():
        assert seconds == pytest.approx(sum(row[f"{stage}_s"] for row in rows), abs=1e-5)
    assert "Apache-2.0" in (tmp_path / "out/card.md").read_text()


def test_no_scene_comes_long_before_its_turn() -> None:
    """A slow scene holds the others up before their frames fill the memory."""
    number, workers = 4 * SPREAD, 2
    scenes = [DigitSource().scene(index) for index in range(number)]
    with RenderPool("digits:SluggishSprites", {}, workers=workers) as pool:
        missing, furthest = set(range(number)), 0
        for index, _ in pool.stream(scenes, frozenset({Pass.RGB}), range(1, number + 1)):
            furthest = max(furthest, index - min(missing))
            missing.remove(index)
    assert not missing
    assert SPREAD < furthest < SPREAD * workers
