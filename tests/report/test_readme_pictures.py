"""The pictures of the README are those that the committed runs give."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metasim.report.run_data import load_run
from metasim.runs.folder import RunFolder, find_runs

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
LARGEST = 2_000_000


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pictures")
    runpy.run_path(str(ROOT / "scripts" / "readme_pictures.py"))["draw"](out)
    return out


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), np.int16)


def test_the_script_draws_the_committed_pictures(drawn: Path) -> None:
    made = {path.name for path in drawn.glob("*.png")}
    assert made == {path.name for path in (ROOT / "docs").glob("*.png")}
    for name in made:
        ours, kept = pixels(drawn / name), pixels(ROOT / "docs" / name)
        assert ours.shape == kept.shape
        assert np.abs(ours - kept).mean() < 0.5


def test_no_page_shows_other_pictures(drawn: Path) -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for address in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text()):
            assert (page.parent / address).resolve().parent == ROOT / "docs"
            assert (drawn / Path(address).name).exists()


def test_a_kept_run_reads_like_the_whole_one(make_run, tmp_path: Path) -> None:
    whole, kept = make_run(), RunFolder(tmp_path / "kept")
    runpy.run_path(str(ROOT / "scripts" / "keep_run.py"))["keep"](whole, kept)
    ours, theirs = load_run(kept), load_run(whole)
    assert ours.summary == theirs.summary
    assert ours.metrics == theirs.metrics
    assert [epoch.stage for epoch in ours.epochs] == [epoch.stage for epoch in theirs.epochs]
    assert ours.populations is not None
    assert theirs.populations is not None
    assert np.allclose(ours.populations.generated, theirs.populations.generated, rtol=1e-6)
    assert not ours.faults


def test_the_reference_runs_are_whole_and_small() -> None:
    folders = find_runs(REFERENCE)
    assert len(folders) >= 2
    for folder in folders:
        run = load_run(folder)
        assert run.faults == []
        assert run.summary is not None
        assert run.judged
        assert run.status == "finished"
    assert sum(path.stat().st_size for path in REFERENCE.rglob("*") if path.is_file()) < LARGEST
