"""The verbs export and verify, on a run of digits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy.stats import ks_2samp

from metasim.cli import main
from metasim.dataset.card import write_card
from metasim.dataset.formats import find_format
from metasim.dataset.formats.webdataset import WebDatasetFormat
from metasim.dataset.modality import CONVENTIONS
from metasim.dataset.plan import ExportPlan
from metasim.dataset.record import FileRecord
from metasim.dataset.registry import FORMATS
from metasim.dataset.sample import Origin
from metasim.matching.generator import Generator
from metasim.runs.folder import RunFolder

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def export(run: RunFolder, out: Path, *options: str) -> int:
    arguments = ["export", "--run", str(run.path), "--out", str(out)]
    for name, value in (("--format", "webdataset"), ("--num", "30")):
        arguments += [] if name in options else [name, value]
    return main([*arguments, *options])


def test_a_run_is_exported_and_verified(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert export(run, out, "--split", "train=0.5,test=0.5") == 0
    assert main(["verify", str(out)]) == 0
    samples = list(WebDatasetFormat().read(out))
    assert sorted(sample.provenance.index for sample in samples) == list(range(30))
    for sample in samples:
        origin = sample.provenance.origin
        assert (origin.run, sample.provenance.root_seed) == ("digits/3", 3)
        assert origin.config_sha256 == FileRecord.of(run.config).sha256
        assert origin.checkpoint_sha256 == FileRecord.of(run.checkpoints / "best.pt").sha256
    assert {sample.split for sample in samples} == {"train", "test"}


def test_the_help_lists_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    words = set(capsys.readouterr().out.replace(",", " ").replace(".", " ").split())
    assert words >= set(FORMATS)
    for name in FORMATS:
        assert find_format(name).name == name


def test_exported_scenes_follow_the_generator(run: RunFolder, tmp_path: Path) -> None:
    assert export(run, tmp_path / "out", "--num", "2000", "--modalities", "rgb", "--seed", "8") == 0
    exported = [sample.graph for sample in WebDatasetFormat().read(tmp_path / "out")]
    fresh = Generator.load(run.checkpoints / "best.pt").scenes(2000, "test")
    assert len(exported) == 2000
    yaws = (
        [node.attributes["yaw"] for g in graphs for node in g.nodes if "yaw" in node.attributes]
        for graphs in (exported, fresh)
    )
    assert ks_2samp(*yaws).pvalue > 1e-3  # pyright: ignore


def test_a_flipped_byte_is_named(run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    export(run, out)
    shard = out / "val/00000.tar"
    data = bytearray(shard.read_bytes())
    data[600] ^= 1
    shard.write_bytes(data)
    capsys.readouterr()
    assert main(["verify", str(out)]) == 1
    assert capsys.readouterr().out == "val/00000.tar: other content than was written\n"


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--format", "tfrecord"), "--format: 'tfrecord'; expected one of webdataset"),
        (("--modalities", "rgb,depth"), "--modalities: depth, beyond this renderer; expected some of rgb"),
        (("--modalities", "colour"), "--modalities: unknown 'colour'; expected some of rgb"),
        (("--split", "train=0.5"), "--split: shares that sum to 0.5; expected a sum of 1"),
        (("--num", "0"), "--num: 0; expected 1 or more"),
        (("--workers", "0"), "--workers: 0; expected 1 or more"),
        (("--seed=-1",), "--seed: -1; expected 0 or more"),
    ],
)
def test_bad_input_is_one_line_and_touches_nothing(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], fault: str
) -> None:
    assert export(run, tmp_path / "out", *options) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"metasim: {fault}")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(RunFolder(tmp_path), tmp_path / "out") == 2
    assert "the manifest of a run" in capsys.readouterr().err
    assert main(["verify", str(tmp_path)]) == 2
    assert "the manifest of a dataset" in capsys.readouterr().err


def test_a_run_without_a_generator_is_refused(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = RunFolder(tmp_path / "bare")
    bare.path.mkdir()
    for path in (run.config, run.manifest):
        (bare.path / path.name).write_bytes(path.read_bytes())
    assert export(bare, tmp_path / "out") == 2
    assert "expected the generator of a run" in capsys.readouterr().err


def test_the_card_tells_how_the_generator_was_judged(run: RunFolder, tmp_path: Path) -> None:
    moments = {"mean": 40.0, "std": 5.0}
    attribute = {
        "unit": "deg", "range": [0, 360], "periodic": True, "identifiable": True,
        "spread_identifiable": True, "classes_not_identifiable": [],
        "prior": {"mean": 0.0, "std": 20.0}, "generated": moments, "target": moments,
        "w1_prior": 0.2, "w1": 0.0123, "w1_floor": 0.01,
    }  # fmt: skip
    verdict = {
        "n_target": 500, "n_generated": 600, "mmd2": 0.001, "mmd2_floor": 0.001,
        "p_value": 0.37, "c2st": 0.512, "c2st_ci": [0.48, 0.54],
    }  # fmt: skip
    summary = {
        "experiment": "digits", "seed": 3, "renders": 1000, "wall_seconds": 60, "render_seconds": 9,
        "verdict": verdict, "attributes": {"digit.yaw": attribute},
        "classes": {"digit": {"7": {"generated": 0.25, "target": 0.125}}},
        "correlations": [{"a": "digit.yaw", "b": "digit.x", "generated": 0.9, "target": 0.95}],
    }  # fmt: skip
    run.summary.write_text(json.dumps(summary))
    try:
        assert export(run, tmp_path / "out") == 0
        assert export(run, tmp_path / "prior", "--prior") == 0
    finally:
        run.summary.unlink()
    card, prior = ((tmp_path / name / "card.md").read_text() for name in ("out", "prior"))
    assert "permutation test p = 0.37" in card
    assert "permutation test" not in prior
    assert "as it was before matching" in prior
    assert "| digit | 7 | 0.250 | 0.125 |" in card
    assert "| digit.yaw, digit.x | 0.900 | 0.950 |" in card
    for text in (card, prior):
        assert "| digit.yaw | deg | 0 ± 20 | 40 ± 5 | 40 ± 5 | 0.2000 | 0.0123 | 0.0100 | yes |" in text


@pytest.mark.parametrize("name", FORMATS)
def test_the_card_describes_the_files(name: str, tmp_path: Path) -> None:
    written = find_format(name)
    plan = ExportPlan(name, 1, tuple(sorted(written.modalities)), {"train": 1.0}, 0, (8, 8))
    origin, counts = Origin("run", "", ""), {"asked": 0, "written": 0, "failed": 0, "splits": {"train": 0}}
    card = (tmp_path / write_card(tmp_path, plan, origin, counts, [], {}, None)).read_text()
    files = card.partition("## Files")[2].partition("## Generator")[0]
    assert "split/" in files or "_parts" in files
    for modality in written.modalities:
        assert f"| `{modality}` | {CONVENTIONS[modality]} |" in card
