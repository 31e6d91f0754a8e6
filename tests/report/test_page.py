from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from page_reader import Page, page

from metasim.base.errors import InputError
from metasim.report.attribute_rows import attribute_rows
from metasim.report.page import write_report
from metasim.report.run_data import load_run
from metasim.report.words import reading_sentences, state_sentence
from metasim.runs.folder import RunFolder
from metasim.runs.session import run_session

LARGEST = 5_000_000
SECTIONS = [
    "verdict", "images", "attributes", "angles", "correlations", "classes", "limits", "features", "learning",
    "costs", "making",
]  # fmt: skip


def test_what_is_shown(finished_run: RunFolder) -> None:
    folder, shown = finished_run, Page(finished_run.report.read_text())
    assert shown.sections == SECTIONS
    assert shown.drawings == ["digit.yaw", "digit.loc_x", "digit.loc_y"]
    for alt in (
        "images: prior",
        "images: epoch 0: prior",
        "images: epoch 1: after invert/0, 128 renders",
        "images: the tuned generator",
        "images: target",
        "images over time",
        "circle: digit.yaw",
        "joint: digit.loc_x, digit.loc_y",
        "classes of digit",
        "embedding",
        "nearest neighbours",
        "curves: MMD",
        "curves: Stage reconstruct",
        "gradients: reconstruct",
        "distances to the target",
    ):
        assert alt in shown.images
    assert "digit.yaw: not for 7" in shown.text
    assert "digit.loc_y: is not determined" in shown.text
    for plot in (folder.attributes, folder.progress / "reconstruction.png", folder.progress / "mmd.png"):
        assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_page_needs_no_network(finished_run: RunFolder) -> None:
    content = finished_run.report.read_text()
    shown = Page(content)
    assert shown.addresses
    assert all(address.startswith(("data:", "#")) for address in shown.addresses)
    assert not {"iframe", "object", "embed", "link rel=stylesheet"} & shown.tags
    plain = re.sub(r"base64,[A-Za-z0-9+/=]+", "", content)
    assert not re.search(r"https?:|@import|url\((?!#)|//[a-z]|fetch|XMLHttp", plain)
    assert len(content) < LARGEST


def test_real_photographs_have_no_true_attributes(make_run) -> None:
    shown = page(make_run(known=False))
    assert "true attributes are unknown" in shown.text
    row = shown.row("digit.loc_x", 9)
    assert row[3:7] == ["–"] * 4
    assert row[2] != "–"


def test_an_interrupted_run_says_so(make_run) -> None:
    folder = make_run(finished=False)
    shown = page(folder)
    assert "interrupted" in shown.text
    assert "no verdict yet" in shown.text
    assert shown.sections == SECTIONS
    assert "images: target" in shown.images
    assert "images: the tuned generator" not in shown.images
    assert shown.drawings == ["digit.yaw", "digit.loc_x", "digit.loc_y"]  # of its epochs
    assert "first and the latest moment so far" in shown.text


def test_a_run_in_progress_says_so_and_shows_populations(make_run) -> None:
    folder = make_run()
    folder.summary.unlink()
    with run_session(folder):
        run = load_run(folder)
        shown = page(folder)
    assert "in progress" in shown.text
    assert "no verdict yet" in shown.text
    assert shown.sections == SECTIONS
    moments = {row.name: row.generated for row in attribute_rows(run)}
    found = moments["digit.loc_x"]
    assert found is not None
    assert 18 < found.mean < 22


def test_a_failed_run_says_why(make_run) -> None:
    folder = make_run(finished=False)
    with pytest.raises(ValueError, match="camera"), run_session(folder):
        raise ValueError("no <camera> in the scene")
    sentence = state_sentence(load_run(folder))
    assert "This run failed" in sentence
    assert "no <camera> in the scene" in sentence


def test_missing_files_leave_a_page(make_run) -> None:
    """Files go one after the other; the run is read each time, and at last there is a page."""
    folder = make_run()
    for missing in ("config", "images", "summary", "metrics", "population", "epochs"):
        path: Path = getattr(folder, missing)
        path.rename(path.with_name(f"gone_{missing}"))
        assert load_run(folder).faults == []
    shown = page(folder)
    assert shown.sections == SECTIONS
    for sentence in (
        "This run is finished",
        "no verdict yet",
        "No images were kept",
        "No attribute values",
        "No step has been logged",
    ):
        assert sentence in shown.text


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json"):
        load_run(RunFolder(tmp_path))


def test_the_page_is_the_same_twice(finished_run: RunFolder) -> None:
    first = finished_run.report.read_bytes()
    write_report(load_run(finished_run))
    assert finished_run.report.read_bytes() == first


def test_a_run_of_another_version_says_so(make_run) -> None:
    """Fields that are unknown are left out, and what lacks a field is; the rest is shown."""
    folder = make_run()
    manifest = json.loads(folder.manifest.read_text())
    manifest["versions"]["metasim-scenegraph"] = "0.0.1"
    manifest["planet"] = "Mars"
    folder.manifest.write_text(json.dumps(manifest))
    summary = json.loads(folder.summary.read_text())
    summary["attributes"]["digit.yaw"]["flavour"] = 1
    folder.summary.write_text(json.dumps(summary))
    run = load_run(folder)
    told = " ".join(reading_sentences(run))
    assert "made by metasim 0.0.1" in told
    assert "planet" in told
    assert "flavour" in told
    assert run.summary is not None
    shown = page(folder)
    assert "made by metasim 0.0.1" in shown.text
    assert "finds no difference" in shown.text
    assert shown.sections == SECTIONS
    del summary["verdict"]["mmd2"]
    folder.summary.write_text(json.dumps(summary))
    run = load_run(folder)
    assert run.summary is None
    assert any("verdict.mmd2" in fault for fault in run.faults)


def test_damaged_files_are_named(make_run) -> None:
    folder = make_run()
    damaged = (folder.summary, folder.population, next(folder.epochs.iterdir()), folder.manifest)
    for path in damaged:
        path.write_bytes(b"no longer what it was")
    shown = page(folder)
    assert all(path.name in shown.text for path in damaged)
    assert shown.sections == SECTIONS
