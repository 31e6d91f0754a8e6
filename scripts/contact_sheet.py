"""Draws scenes from a grammar, renders them and lays them out as one PNG.

python scripts/contact_sheet.py experiments/grammars/tyol/multi_8_attr.yaml docs/tyol_prior.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from metasim.base.errors import MetasimError
from metasim.base.files import whole_file
from metasim.base.streams import stream, stream_seed
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass

ROWS, COLUMNS, SIZE, SAMPLES, GAP = 6, 8, 128, 64, 2


def tiles(grammar: SceneGrammar) -> list[npt.NDArray[np.uint8]]:
    """One image (H, W, 3) for each of the first scenes of the grammar."""
    number = ROWS * COLUMNS
    scenes = [grammar.sample(stream(0, "contact_sheet", index)) for index in range(number)]
    seeds = [stream_seed(0, "contact_sheet/noise", index) for index in range(number)]
    with RenderPool("blender", {"scene": "tyol", "size": SIZE, "samples": SAMPLES}) as pool:
        frames = pool.render(scenes, frozenset({Pass.RGB}), seeds)
    return [np.asarray(frame[Pass.RGB], np.uint8) for frame in frames if isinstance(frame, Frame)]


def sheet(images: list[npt.NDArray[np.uint8]]) -> Image.Image:
    """The images in rows on white, in 256 colours chosen so that small vivid objects keep theirs."""
    step = SIZE + GAP
    page = Image.new("RGB", (COLUMNS * step - GAP, ROWS * step - GAP), "white")
    for index, image in enumerate(images):
        page.paste(Image.fromarray(image), (index % COLUMNS * step, index // COLUMNS * step))
    return page.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)


def main(grammar: str, out: str) -> int:
    """Writes the sheet; returns the exit status."""
    try:
        page = sheet(tiles(SceneGrammar.from_file(Path(grammar))))
    except MetasimError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    with whole_file(Path(out)) as file:
        page.save(file, format="PNG", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
