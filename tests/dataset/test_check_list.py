"""The page on datasets names every format, and tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

from metasim.dataset.registry import FORMATS

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs/datasets.md").read_text()


def test_every_format_is_on_the_page() -> None:
    listed = PAGE.partition("## Formats")[2].partition("\n\nEach module")[0]
    assert set(re.findall(r"`([a-z0-9-]+)`", listed)) >= set(FORMATS)


def test_requirements_are_numbered_without_a_gap() -> None:
    assert re.findall(r"^\| R(\d+) \|", PAGE, re.MULTILINE) == [str(i) for i in range(1, 54)]


FILE = r"`((?:dataset|cli|renderers|rendering|trajectories)/[\w/]+\.py)`"
NAME = r"[a-z0-9_]+(?:\.\.\.)?"


def test_the_rows_of_the_pipelines_are_all_there() -> None:
    rows = {"H": range(6, 11), "V": range(1, 10), "O": range(1, 9), "M": range(3, 9)}
    wanted = {f"{letter}{i}" for letter, numbers in rows.items() for i in numbers}
    listed = dict(re.findall(r"^\| ([HVOM]\d+) \| (.*) \|$", PAGE, re.MULTILINE))
    assert wanted <= listed.keys()
    assert [row for row in wanted if not re.search(rf"{FILE}", listed[row])] == []


def test_every_test_that_is_named_is_there() -> None:
    files = set(re.findall(FILE, PAGE))
    assert len(files) > 20
    assert [name for name in files if not (TESTS / name).is_file()] == []
    functions = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    groups = re.findall(rf"\(({NAME}(?:, {NAME})*)\)", PAGE)
    named = {name.rstrip(".") for group in groups for name in group.split(", ") if "_" in name}
    assert len(named) > 25
    assert [name for name in named if f"def test_{name}" not in functions] == []


def test_a_test_is_in_the_file_that_it_is_named_with() -> None:
    pairs = re.findall(rf"{FILE} \(({NAME}(?:, {NAME})*)\)", PAGE)
    assert len(pairs) > 40
    for file, names in pairs:
        text = (TESTS / file).read_text()
        assert [n for n in names.split(", ") if f"def test_{n.rstrip('.')}" not in text] == [], file
