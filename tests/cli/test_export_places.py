"""Where an export may be written, and what becomes of it when its disk gives out."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from metasim.cli import main
from metasim.dataset import forecast
from metasim.dataset.formats.webdataset import WebDatasetFormat
from metasim.matching.generator import Generator
from metasim.runs.folder import RunFolder

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
Usage = namedtuple("Usage", "total used free")


def arguments(run: RunFolder, out: Path | str, *options: str) -> list[str]:
    given = ["--run", str(run.path), "--format", "webdataset", "--num", "80", "--shard-samples", "40"]
    return ["export", *given, "--out", str(out), *options]


def digest(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != "costs")
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def small_files() -> None:
    """Has every write beyond a size fail, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))


def test_a_disk_that_gives_out_is_one_line_and_the_rest_can_be_written_later(
    run: RunFolder, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert main(arguments(run, whole)) == 0
    assert max(path.stat().st_size for path in whole.glob("*/*.tar")) > 120_000
    command = [sys.executable, "-c", "import sys; from metasim.cli import main; sys.exit(main())"]
    done = subprocess.run(
        [*command, *arguments(run, out)], capture_output=True, text=True, preexec_fn=small_files, timeout=120
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last == f"metasim: {out}: File too large; expected a place with room that can be written"
    assert "Traceback" not in done.stderr
    assert not list(out.rglob("*.partial"))
    assert main(arguments(run, out, "--resume")) == 0
    assert digest(out) == digest(whole)


def test_too_little_room_is_told_before_anything_is_written(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forecast.shutil, "disk_usage", lambda _: Usage(1, 1, forecast.RESERVE))
    assert main(arguments(run, tmp_path / "out")) == 2
    assert "MB free on its disk; expected" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["/proc/digits", "/dev/null/digits", "/dev/null"])
def test_a_place_that_cannot_be_written_is_one_line(
    run: RunFolder, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(run, place)) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"metasim: {place}: ")
    assert error.endswith("expected a place with room that can be written")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_one_line(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o555)
    assert main(arguments(run, tmp_path / "out")) == 2
    assert "Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--affordances", "words.yaml", "--modalities", "rgb"), "words.yaml: No such file"),
        (("--modalities", "affordance"), "--modalities: affordance; expected --affordances FILE beside it"),
        (("--from", "elsewhere"), "--run: both; expected --run DIR or --from DIR"),
        (("--shard-samples", "0"), "--shard-samples: 0; expected 1 or more"),
        (("--format", "bop"), "--format: bop, which needs amodal, bbox3d, beyond this renderer"),
    ],
)
def test_bad_options_are_one_line(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], fault: str
) -> None:
    assert main(arguments(run, tmp_path / "out", *options)) == 2
    assert capsys.readouterr().err.startswith(f"metasim: {fault}")
    assert not (tmp_path / "out").exists()


def test_affordances_of_classes_become_masks(run: RunFolder, tmp_path: Path) -> None:
    classes = Generator.load(run.checkpoints / "best.pt").grammar.schema.class_names
    (tmp_path / "words.yaml").write_text("\n".join(f"'{name}': [look, keep_{name}]" for name in classes))
    assert main(arguments(run, tmp_path / "out", "--affordances", str(tmp_path / "words.yaml"))) == 0
    for sample in WebDatasetFormat().read(tmp_path / "out"):
        seen = next(image for m, image in sample.images.items() if m == "instance") > 0
        masks = next(image for m, image in sample.images.items() if m == "affordance")
        assert masks.shape[-1] == 1 + len(classes)
        np.testing.assert_array_equal(masks[..., -1], seen)


def test_the_prior_is_the_grammar_of_the_experiment(run: RunFolder, tmp_path: Path) -> None:
    options = ("--prior", "--modalities", "rgb", "--num", "300", "--shard-samples", "300")
    given = [a for a in arguments(run, tmp_path / "out") if a not in ("--num", "80", "--shard-samples", "40")]
    assert main([*given, *options]) == 0
    samples = list(WebDatasetFormat().read(tmp_path / "out"))
    assert {s.provenance.origin.checkpoint_sha256 for s in samples} == {""}
    assert "none, drawn from the grammar" in (tmp_path / "out/card.md").read_text()
    grammar = Generator.load(run.checkpoints / "best.pt").grammar
    fresh = [grammar.sample(np.random.default_rng(index)) for index in range(1000)]
    yaws = (
        [node.attributes["yaw"] for graph in graphs for node in graph.nodes if "yaw" in node.attributes]
        for graphs in ([sample.graph for sample in samples], fresh)
    )
    assert ks_2samp(*yaws).pvalue > 1e-3  # pyright: ignore
