"""A stand-in for builds of the earlier project: ``python -m renderers.unity.standin.files FOLDER``.

Test equipment. It watches the exchange folder, draws with another engine, and answers from the last graph to
the first, as one that keeps no order might.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from metasim.base.errors import InputError
from metasim.rendering.protocol import Pass
from metasim.rendering.registry import check_options, engine
from renderers.unity.exchange import DONE, GRAPHS, SNAPSHOTS, WORD
from renderers.unity.nodelink import from_node_link
from renderers.unity.png import encode_png
from renderers.unity.standin.faults import Faults

NAMES = ("exit_at_start", "die", "hang", "half", "late", "stale", "bad_png", "wrong_names")
POLL_SECONDS = 0.005
LATE_SECONDS = 0.3
_FOR_EVER = 3600.0

Answer = dict[str, bytes]
"""Files of the folder ``Snapshots``, by name."""
Draw = Callable[[Mapping[str, bytes]], Answer]


def arguments() -> argparse.Namespace:
    """What it is told."""
    parser = argparse.ArgumentParser("renderers.unity.standin.files", description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", default="sprites", help="the engine that draws")
    parser.add_argument("--options", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--fault", default="", metavar="NAME[@BATCH[+]]", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--once", type=Path, metavar="FILE", help="only if FILE is not there; makes it")
    return parser.parse_args()


def main() -> None:
    """Answers batch after batch, until it is killed."""
    given = arguments()
    faults = Faults.of(given.fault, given.once, names=NAMES)
    faults.at_start()
    draw = drawing(given.engine, given.options)
    number, last = 0, Answer()
    while True:
        if not (graphs := batch(given.folder / GRAPHS)):
            time.sleep(POLL_SECONDS)
            continue
        number += 1
        if faults.now(number, "stale"):
            deliver(given.folder, last)
            time.sleep(LATE_SECONDS)
        last = serve(given.folder, graphs, draw, faults, number)


def batch(folder: Path) -> list[Path]:
    """The graphs of a batch, once all that the names tell of are there."""
    graphs = sorted(folder.glob("ggraph_*_*.json"))
    return graphs if graphs and len(graphs) == int(graphs[0].stem.rpartition("_")[2]) else []


def serve(folder: Path, graphs: list[Path], draw: Draw, faults: Faults, number: int) -> Answer:
    """Answers a batch, or fails to."""
    at_work = folder / GRAPHS / "Status.txt"
    at_work.write_text("Busy")
    texts = {path.stem: path.read_bytes() for path in graphs}
    for path in graphs:
        path.unlink()
    if faults.now(number, "die"):
        os.write(1, b"out of memory\n")
        os._exit(11)
    if faults.now(number, "hang"):
        time.sleep(_FOR_EVER)
    answer = draw(texts)
    at_work.unlink()
    deliver(folder, spoilt(answer, faults, number))
    if faults.now(number, "late"):
        time.sleep(LATE_SECONDS)
        deliver(folder, answer)
    return answer


def drawing(kind: str, options: Mapping[str, object]) -> Draw:
    """A function from graphs by name to snapshots of the same names."""
    artist = engine(kind)(**check_options(kind, options))

    def draw(texts: Mapping[str, bytes]) -> Answer:
        scenes = [from_node_link(json.loads(text)) for text in texts.values()]
        try:
            frames = [artist.render([scene], frozenset({Pass.RGB}), 0)[0] for scene in scenes]
        except InputError as error:
            os.write(1, f"{error}\n".encode())
            os._exit(12)
        answer = Answer()
        for name, scene, frame in zip(texts, scenes, frames, strict=True):
            values = {name: value for node in scene.nodes for name, value in node.attributes.items()}
            answer[f"{name}.png"] = encode_png(frame[Pass.RGB])
            answer[f"{name}.json"] = json.dumps(values).encode()
        return answer

    return draw


def spoilt(answer: Answer, faults: Faults, number: int) -> Answer:
    """The answer with what is wrong with it."""
    name = max(name for name in answer if name.endswith(".png"))
    png = answer[name]
    fault = faults.now(number, "half", "late", "bad_png", "wrong_names")
    if fault in ("half", "late"):
        return answer | {name: png[: len(png) // 2]}
    if fault == "bad_png":
        return answer | {name: png[: len(png) // 2] + png[-12:]}
    if fault == "wrong_names":
        return {text.replace(Path(name).stem, "shot"): data for text, data in answer.items()}
    return answer


def deliver(folder: Path, answer: Answer) -> None:
    """Writes the snapshots, the last first, then both words."""
    for name in sorted(answer, reverse=True):
        (folder / SNAPSHOTS / name).write_bytes(answer[name])
    for name in (SNAPSHOTS, DONE):
        (folder / name / "Done.txt").write_text(WORD)


if __name__ == "__main__":
    main()
