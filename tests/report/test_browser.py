"""The page in a real browser: headless Chromium, as far as one is installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from metasim.report.page import write_report
from metasim.report.run_data import load_run
from metasim.runs.folder import RunFolder

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")

LARGEST = 5_000_000  # bytes
LEAST_PICTURE, LEAST_LETTER = 200, 11  # pixels
SECTIONS = 11
DEFAULT = next((Path(__file__).parents[2] / "results" / "reference" / "tyol").iterdir())
SHOWN = "getComputedStyle(e).display !== 'none'"
TEXTS = "[...document.querySelectorAll('p, td, th, b, span, figcaption')]"
PARTS = {"strip": "#strip [data-frame]", "density": "#densities figure:nth-child(2) [data-frame]"}


class Visit:
    """A page with what the browser complained about and asked for."""

    def __init__(self, browser, path: Path, width: int) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def shown(self, selector: str) -> list[str]:
        """Frames among the elements of a selector that a reader sees."""
        script = f"s => [...document.querySelectorAll(s)].filter(e => {SHOWN}).map(e => e.dataset.frame)"
        return self.page.evaluate(script, selector)

    def slide(self, place: int) -> None:
        self.page.locator("#moment").fill(str(place))


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def default_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the default experiment."""
    folder = RunFolder(tmp_path_factory.mktemp("default") / "run")
    shutil.copytree(DEFAULT, folder.path)
    return write_report(load_run(folder))


def faults(visit: Visit, path: Path, width: int) -> list[str]:
    """What is wrong with a page in a window of a width, pixels."""
    page = visit.page
    pictures = "[...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).length"
    widths = "[...document.images].map(i => i.getBoundingClientRect().width).filter(w => w > 0)"
    sizes = f"{TEXTS}.map(e => parseFloat(getComputedStyle(e).fontSize))"
    outside = [url for url in visit.requests if not url.startswith("data:")]
    sections, heads = (page.locator(name).count() for name in ("section", "section h2"))
    found = {
        f"complaints {visit.complaints}": visit.complaints != [],
        f"fetches {outside}": outside != [path.as_uri()],
        "text beside the window": page.evaluate("document.documentElement.scrollWidth") > width,
        f"{sections} sections with {heads} heads": not sections == heads == SECTIONS,
        "broken pictures": page.evaluate(pictures) != 0,
        "small pictures": min(page.evaluate(widths)) < LEAST_PICTURE,
        "small letters": min(page.evaluate(sizes)) < LEAST_LETTER,
    }
    return [fault for fault, there in found.items() if there]


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_of_the_default_experiment_is_whole(browser, default_page: Path, width: int) -> None:
    assert default_page.stat().st_size < LARGEST
    assert faults(Visit(browser, default_page, width), default_page, width) == []


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_is_whole_at_any_width(browser, finished_run: RunFolder, width: int) -> None:
    assert faults(Visit(browser, finished_run.report, width), finished_run.report, width) == []


def test_the_slider_moves_images_and_densities(browser, finished_run: RunFolder) -> None:
    visit = Visit(browser, finished_run.report, 1280)
    told = visit.page.locator(".moment output")
    assert told.text_content() == "the tuned generator"
    pictures = {}
    for place, words in ((2, "the tuned generator"), (0, "epoch 0: prior"), (1, "epoch 1: after invert/0")):
        visit.slide(place)
        assert words in (told.text_content() or "")
        for part in PARTS.values():
            assert visit.shown(part) == [str(place)]
        pictures[place] = [
            visit.page.locator(selector).screenshot()
            for selector in ("#strip", "#densities figure:nth-child(2)")
        ]
    for part in range(2):
        assert len({shots[part] for shots in pictures.values()}) == 3
    assert visit.complaints == []


def test_without_moments_there_is_no_slider(browser, make_run) -> None:
    folder = make_run(finished=False)
    shutil.rmtree(folder.epochs)
    for path in folder.images.glob("epoch_*"):
        shutil.rmtree(path)
    visit = Visit(browser, write_report(load_run(folder)), 400)
    assert visit.complaints == []
    assert visit.page.locator("#moment").count() == 0
