"""Target: the images to match, and, where they are simulated, the truth that only reports may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from metasim.base.errors import InputError, MetasimError
from metasim.base.files import whole_file
from metasim.base.streams import stream, stream_seed
from metasim.base.validation import closest
from metasim.config import TargetConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.changes import CHANGES
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes, SceneLayout

LEAST_IMAGES = 30
LEAST_PART = 10  # images for learning, and for the verdict
SUFFIXES = (".png", ".jpg", ".jpeg")
CHUNK = 100

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Target:
    """The target images, the first ones for learning, the rest for the verdict alone.

    Attributes:
        images: (M, H, W, 3) uint8.
        learning: How many of them may be learnt from.
        units: (M, D) true attributes on [0, 1], NaN throughout for photographs.
        classes: (M, C) true classes, -1 throughout for photographs.
    """

    images: Images
    learning: int
    units: Array
    classes: Classes

    @property
    def known(self) -> bool:
        """Whether the truth is known."""
        return bool(np.isfinite(self.units).all())

    def save(self, path: Path) -> None:
        """Writes a whole ``.npz`` file."""
        with whole_file(path) as file:
            np.savez_compressed(
                file, images=self.images, learning=self.learning, units=self.units, classes=self.classes
            )

    @classmethod
    def load(cls, path: Path) -> Target:
        """Reads what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as data:
            return cls(data["images"], int(data["learning"]), data["units"], data["classes"])


def check_target_grammar(target: SceneGrammar, generator: SceneGrammar, layout: SceneLayout) -> None:
    """Refuses a target whose scenes cannot be told in the generator's words.

    Raises:
        InputError: If its scenes have other nodes, lack an attribute that the generator learns, give it
            in another unit, or show classes that the generator does not know.
    """
    here, like = "target.grammar", "as in the generator's grammar"
    if not target.fixed_structure:
        raise InputError(here, "productions or counts that vary", f"the same nodes always, {like}")
    nodes = target.sample(stream(0, "target/nodes")).by_name
    if tuple(nodes) != layout.node_names:
        raise InputError(
            here, f"scenes of {', '.join(nodes)}", f"scenes of {', '.join(layout.node_names)}, {like}"
        )
    for column in layout.columns:
        symbol = target.schema.by_name[nodes[column.node].symbol]
        spec = next((spec for spec in symbol.attributes if spec.name == column.spec.name), None)
        if spec is None or spec.unit not in ("1", column.spec.unit):
            found = "no such attribute" if spec is None else f"unit {spec.unit}"
            raise InputError(f"{here}: {column.name}", found, f"unit {column.spec.unit}, {like}")
    for node in generator.sample(stream(0, "target/nodes")).nodes:
        known = generator.schema.by_name[node.symbol].classes
        for name, weight in target.class_weights(nodes[node.name].symbol).items():
            if weight > 0 and name not in known:
                raise InputError(f"{here}: {node.name}", f"class {name}", f"{closest(name, known)}, {like}")


def learning_part(count: int, held_out: float) -> int:
    """How many of the images may be learnt from.

    Raises:
        InputError: If too few are left for learning or for the verdict.
    """
    learning = count - round(held_out * count)
    if not LEAST_PART <= learning <= count - LEAST_PART:
        got = f"{held_out:g}, which leaves {learning} of {count} images for learning"
        raise InputError(
            "target.held_out", got, f"{LEAST_PART} or more for learning and for the verdict each"
        )
    return learning


def simulate_target(
    grammar: SceneGrammar,
    layout: SceneLayout,
    config: TargetConfig,
    pool: RenderPool,
    seed: int,
    advance: Callable[[int], None],
) -> Target:
    """Renders target scenes from a grammar of their own.

    Raises:
        MetasimError: If too many scenes fail.
    """
    images, shown = _simulated(grammar, config, pool, seed, advance)
    learning = learning_part(len(images), config.held_out)
    return Target(images, learning, layout.units(shown), layout.classes(shown))


def simulate_varying_target(
    grammar: SceneGrammar, config: TargetConfig, pool: RenderPool, seed: int, advance: Callable[[int], None]
) -> Target:
    """The same for scenes that differ in their nodes, of which nothing is kept but the images.

    Raises:
        MetasimError: If too many scenes fail.
    """
    images, _ = _simulated(grammar, config, pool, seed, advance)
    empty = np.zeros((len(images), 0))
    return Target(images, learning_part(len(images), config.held_out), empty, empty.astype(np.int64))


def _simulated(
    grammar: SceneGrammar, config: TargetConfig, pool: RenderPool, seed: int, advance: Callable[[int], None]
) -> tuple[Images, list[SceneGraph]]:
    graphs = [grammar.sample(stream(seed, "target", i)) for i in range(config.num)]
    seeds = [stream_seed(seed, "target/render", i) for i in range(config.num)]
    frames = []
    for first in range(0, config.num, CHUNK):
        part = slice(first, first + CHUNK)
        frames += pool.render(graphs[part], frozenset({Pass.RGB}), seeds[part])
        advance(len(frames[part]))
    kept = [i for i, frame in enumerate(frames) if isinstance(frame, Frame)]
    reasons = [frame.reason for frame in frames if isinstance(frame, SceneFailure)]
    if len(kept) < max(LEAST_IMAGES, config.num / 2):
        raise MetasimError(f"target: {len(reasons)} of {config.num} scenes failed: {reasons[0]}")
    images = np.stack([np.asarray(f[Pass.RGB], dtype=np.uint8) for f in frames if isinstance(f, Frame)])
    if config.changed is not None:
        images = CHANGES[config.changed](images, stream(seed, "target/changed"))
    return images, [graphs[i] for i in kept]


def read_target(
    layout: SceneLayout,
    config: TargetConfig,
    size: tuple[int, int],
    seed: int,
    say: Callable[[str], None],
) -> Target:
    """Reads a folder of target images, in an order drawn from the seed.

    Of images of another shape than the renderer's the middle is taken, those of another size are resized,
    grey and transparent ones made RGB, with a notice. The folder of a BOP split (or of one of its scenes)
    stands for its colour images.

    Args:
        layout: Columns and choices of the scenes.
        config: Names the folder.
        size: Height and width of the renderer's images.
        seed: Root seed.
        say: Told the notices.

    Raises:
        InputError: If the folder is missing, holds too few images, images of different sizes, or one
            that cannot be read.
    """
    folder = config.images
    assert folder is not None
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise InputError(f"target.images: {folder}", found, "a folder of PNG or JPEG images")
    paths = _image_files(folder)
    if len(paths) < LEAST_IMAGES:
        raise InputError(f"target.images: {folder}", f"{len(paths)} images", f"at least {LEAST_IMAGES}")
    order = stream(seed, "target/order").permutation(len(paths))[: config.num]
    height, width = size
    images, modes = np.zeros((len(order), height, width, 3), np.uint8), set[str]()
    across = down = 0
    for row, i in enumerate(order):  # one at a time: photographs may be large
        picture = read_image(paths[i], "target.images")
        modes.add(picture.mode)
        if row == 0:
            across, down = picture.size
        if picture.size != (across, down):
            found = f"{picture.width} x {picture.height} pixels"
            expected = f"{across} x {down} as in {paths[order[0]].name}"
            raise InputError(f"target.images: {paths[i]}", found, expected)
        images[row] = as_rgb(picture, (width, height))
    if (across, down) != (width, height):
        cut = " their middle" if across * height != down * width else ""
        say(f"target images are {across} x {down};{cut} resized to the renderer's {width} x {height}")
    if modes != {"RGB"}:
        say("some target images are grey, transparent or indexed; made RGB")
    learning = learning_part(len(images), config.held_out)
    unknown = np.full((len(images), len(layout.columns)), np.nan)
    return Target(images, learning, unknown, np.full((len(images), len(layout.choices)), -1))


def _image_files(folder: Path) -> list[Path]:
    """The images of a folder, or, where it has none, of the ``rgb`` or ``gray`` folders of BOP's scenes."""
    for pattern in ("*", "rgb/*", "gray/*", "*/rgb/*", "*/gray/*"):
        if found := sorted(path for path in folder.glob(pattern) if _is_shown(path)):
            return found
    return []


def _is_shown(path: Path) -> bool:
    """Whether a path is an image, and none of the hidden files that some systems put beside each."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def read_image(path: Path, where: str) -> Image.Image:
    """A picture of a file, which the key ``where`` of the experiment leads to.

    Raises:
        InputError: If it is none.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            return ImageOps.exif_transpose(picture)  # a camera that was held upright says so here alone
    except Exception as error:  # decoders of damaged files raise whatever comes to them
        raise InputError(f"{where}: {path}", "not readable as an image", "a PNG or JPEG file") from error


def as_rgb(picture: Image.Image, size: tuple[int, int]) -> Images:
    """A picture as (H, W, 3) bytes: its middle part, brought to a width and height."""
    if picture.mode.startswith("I"):  # 16 bits of grey, which a mere conversion would cut at 255
        picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        behind = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(behind, picture.convert("RGBA"))
    picture = picture.convert("RGB")
    if picture.size != size:
        picture = _middle(picture, size).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _middle(picture: Image.Image, shape: tuple[int, int]) -> Image.Image:
    """The largest part in the middle of an image that has the shape of another of this width and height."""
    scale = min(whole / side for whole, side in zip(picture.size, shape, strict=True))
    width, height = (round(scale * side) for side in shape)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))
