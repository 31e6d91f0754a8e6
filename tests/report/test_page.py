from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from metasim.base.errors import InputError
from metasim.report.page import write_report
from metasim.report.run_data import load_run
from metasim.runs.folder import RunFolder
from metasim.runs.session import run_session

LARGEST = 5_000_000


class Page(HTMLParser):
    """Tables as rows of cells, addresses, and the text a reader sees."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.images: list[str] = []
        self.text = ""
        self.tags: set[str] = set()
        self._open: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._open.append(tag)
        named = dict(attrs)
        self.addresses += [value or "" for key, value in attrs if key in ("src", "href", "srcset", "data")]
        if tag == "img":
            self.images.append(named.get("alt") or "")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data.strip()

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row[0] == first)


def page(folder: RunFolder, *others: RunFolder) -> Page:
    write_report(load_run(folder), [load_run(other) for other in others])
    return Page(folder.report.read_text())


def test_numbers_are_those_of_the_files(make_run) -> None:
    folder = make_run()
    shown, kept = page(folder), json.loads(folder.summary.read_text())
    for name, result in kept["attributes"].items():
        row = shown.row(name)
        for cell, which in zip(row[1:4], ("prior", "generated", "target"), strict=True):
            assert cell.startswith(f"{result[which]['mean']:.3g} ± {result[which]['std']:.3g}")
        assert row[4:7] == [f"{result[key]:.4f}" for key in ("w1_prior", "w1", "w1_floor")]
    verdict = kept["verdict"]
    assert f"p = {verdict['p_value']:.3f}" in shown.text
    assert f"right in {verdict['c2st']:.1%}" in shown.text
    assert "finds no difference" in shown.text
    assert shown.row("images rendered, learning")[1] == str(
        json.loads(folder.manifest.read_text())["renders"]["learning"]
    )
    assert shown.row("digit.loc_x, digit.loc_y")[1:] == [
        f"{kept['correlations'][0][key]:.2f}" for key in ("generated", "target")
    ]


def test_what_is_shown(make_run) -> None:
    folder = make_run()
    shown = page(folder)
    for alt in ("images: prior", "images: generated", "images: target", "digit.yaw", "curves: MMD"):
        assert alt in shown.images
    assert "digit.yaw: not for 7" in shown.text
    assert "digit.loc_y: stays at its prior" in shown.text
    assert "classes of digit" in shown.images
    assert "digit.loc_x and digit.loc_y" in shown.images
    for plot in (folder.attributes, folder.progress / "reconstruction.png", folder.progress / "mmd.png"):
        assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_page_needs_no_network(make_run) -> None:
    folder = make_run()
    shown = page(folder, make_run("other"))
    content = folder.report.read_text()
    assert shown.addresses
    assert all(address.startswith("data:") for address in shown.addresses)
    assert not {"script", "iframe", "object", "embed"} & shown.tags
    assert not re.search(r"https?:|@import|url\(|//[a-z]", re.sub(r"base64,[A-Za-z0-9+/=]+", "", content))
    assert len(content) < LARGEST


def test_real_photographs_have_no_true_attributes(make_run) -> None:
    shown = page(make_run(known=False))
    assert "true attributes are unknown" in shown.text
    row = shown.row("digit.loc_x")
    assert row[3:7] == ["–"] * 4
    assert row[2] != "–"


def test_an_interrupted_run_says_so(make_run) -> None:
    folder = make_run(finished=False)
    shown = page(folder)
    assert "interrupted" in shown.text
    assert "no verdict yet" in shown.text
    assert "images: target" in shown.images
    assert "images: generated" not in shown.images


def test_a_run_in_progress_says_so_and_shows_populations(make_run) -> None:
    folder = make_run()
    folder.summary.unlink()
    with run_session(folder):
        shown = page(folder)
    assert "in progress" in shown.text
    assert re.match(r"\S+ ± \S+ px$", shown.row("digit.loc_x")[2])


def test_a_failed_run_says_why(make_run) -> None:
    folder = make_run(finished=False)
    with pytest.raises(ValueError, match="camera"), run_session(folder):
        raise ValueError("no <camera> in the scene")
    shown = page(folder)
    assert "This run failed" in shown.text
    assert "no <camera> in the scene" in shown.text


def test_missing_files_leave_a_page(make_run) -> None:
    """Files go one after the other, the manifest stays; each time there is a page."""
    folder = make_run()
    for missing in ("config", "images", "summary", "metrics", "population"):
        path: Path = getattr(folder, missing)
        path.rename(path.with_name(f"gone_{missing}"))
        assert "This run is finished" in page(folder).text
    text = page(folder).text
    for sentence in (
        "no verdict yet",
        "No images were kept",
        "No attribute values",
        "No step has been logged",
    ):
        assert sentence in text


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json"):
        load_run(RunFolder(tmp_path))


def test_the_page_is_the_same_twice(make_run) -> None:
    folder = make_run()
    page(folder)
    first = folder.report.read_bytes()
    page(folder)
    assert folder.report.read_bytes() == first
