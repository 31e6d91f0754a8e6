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


def test_every_test_that_is_named_is_there() -> None:
    files = set(re.findall(r"`((?:dataset|cli|renderers|rendering)/[\w/]+\.py)`", PAGE))
    assert len(files) > 20
    assert [name for name in files if not (TESTS / name).is_file()] == []
    functions = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    groups = re.findall(r"\(([a-z0-9_]+(?:\.\.\.)?(?:, [a-z0-9_]+(?:\.\.\.)?)*)\)", PAGE)
    named = {name.rstrip(".") for group in groups for name in group.split(", ") if "_" in name}
    assert len(named) > 25
    assert [name for name in named if f"def test_{name}" not in functions] == []
