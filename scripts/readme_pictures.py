"""Draws the pictures of the README and of docs/ from the runs kept in results/reference.

python scripts/readme_pictures.py                # into docs/
python scripts/readme_pictures.py --out elsewhere
"""

from __future__ import annotations

import sys
from pathlib import Path

import tyro
from PIL import Image

from metasim.base.files import whole_file
from metasim.report.densities import all_densities
from metasim.report.figures import save_png
from metasim.report.run_data import load_run
from metasim.report.strips import over_time
from metasim.runs.folder import RunFolder
from metasim.runs.samples import load_images

ROOT = Path(__file__).resolve().parents[1]
OBJECTS = RunFolder(ROOT / "results/reference/tyol/0")
DIGITS = RunFolder(ROOT / "results/reference/digits_rotation/1")
SHEETS = {"prior": "prior", "generated": "most_recent", "target": "target"}
COLUMNS, GAP = 4, 2


def sheet(folder: Path) -> Image.Image:
    """The images of a folder at their own size, in rows on white."""
    images = [Image.fromarray(image) for image in load_images(folder, 1000)]
    width, height = (side + GAP for side in images[0].size)
    rows = -(-len(images) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * width - GAP, rows * height - GAP), "white")
    for index, image in enumerate(images):
        row, column = divmod(index, COLUMNS)
        page.paste(image, (column * width, row * height))
    return page


def save(picture: Image.Image, path: Path) -> None:
    """Writes a picture in 256 colours, chosen so that small vivid objects keep theirs."""
    few = picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    with whole_file(path) as file:
        few.save(file, format="PNG", optimize=True)


def draw(out: Path) -> None:
    """Writes all pictures into a folder."""
    for name, folder in SHEETS.items():
        save(sheet(OBJECTS.images / folder), out / f"tyol_{name}.png")
    save_png(all_densities(load_run(OBJECTS)), out / "tyol_attributes.png")
    course = over_time(load_run(DIGITS))
    assert course is not None
    save(course.picture, out / "digits_over_time.png")


def main(out: Path = ROOT / "docs") -> int:
    """Draws the pictures; returns the exit status.

    Args:
        out: Folder to write to.
    """
    draw(out)
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, description=__doc__))
