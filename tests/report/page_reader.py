"""Reads a report as a person would: tables, pictures, text, and every address that it would fetch."""

from __future__ import annotations

from html.parser import HTMLParser

from metasim.report.page import write_report
from metasim.report.run_data import load_run
from metasim.runs.folder import RunFolder


class Page(HTMLParser):
    """Tables as rows of cells, addresses, and the text a reader sees."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.images: list[str] = []
        self.drawings: list[str] = []
        self.sections: list[str] = []
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
        if tag == "svg":
            self.drawings.append(named.get("aria-label") or "")
        if tag == "section":
            self.sections.append(named.get("id") or "")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self._open):
            return
        self.text += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data.strip()

    def row(self, first: str, cells: int | None = None) -> list[str]:
        """The first row that begins so, of a table with that many cells a row."""
        return next(row for row in self.rows if row[0] == first and cells in (None, len(row)))


def page(folder: RunFolder, *others: RunFolder) -> Page:
    """Writes the report of a run and reads it."""
    write_report(load_run(folder), [load_run(other) for other in others])
    return Page(folder.report.read_text())
