"""Labelled target: the few images of the target whose truth may be learnt from."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.base.validation import closest
from metasim.config import TaskConfig
from metasim.matching.target import Images, Target, as_rgb, read_image
from metasim.matching.task.kind import CLASSIFY
from metasim.scene.layout import Array, Classes, SceneLayout

IMAGE, CLASS = "image", "class"
LEAST_OF_A_CLASS = 2  # one half of the labels guides, the other decides
LEAST = 20


@dataclass(frozen=True)
class Truth:
    """What is known of some images.

    Attributes:
        units: (n, D) attributes on [0, 1]; NaN where the task does not ask for them.
        classes: (n, C) class indices; -1 where the task does not ask for them.
    """

    units: Array
    classes: Classes

    def __len__(self) -> int:
        return len(self.units)

    def take(self, rows: npt.NDArray[np.intp]) -> Truth:
        """What is known of some of them."""
        return Truth(self.units[rows], self.classes[rows])


@dataclass(frozen=True)
class Labelled:
    """Images of the target with their truth, none of them of the part kept for the verdict.

    Attributes:
        images: (n, H, W, 3).
        truth: What is known of them.
    """

    images: Images
    truth: Truth

    def halves(self) -> tuple[Labelled, Labelled]:
        """Two halves with as many images of every class: one to learn from, one to decide by."""
        order = np.lexsort(self.truth.classes.T) if self.truth.classes.size else np.arange(len(self.images))
        first, second = (Labelled(self.images[r], self.truth.take(r)) for r in (order[::2], order[1::2]))
        return first, second


@dataclass(frozen=True)
class LabelFile:
    """A CSV file of images and their labels, read but for the images.

    Attributes:
        paths: The images.
        truth: What is known of them.
    """

    paths: tuple[Path, ...]
    truth: Truth

    @classmethod
    def read(cls, path: Path, kind: str, layout: SceneLayout) -> LabelFile:
        """Reads a file with a column ``image`` and ``class``, or all learnt attributes in their units.

        Raises:
            InputError: If a column is missing, a label is unknown, or there are too few.
        """
        rows = _rows(path, (CLASS,) if kind == CLASSIFY else layout.names)
        if len(rows) < LEAST:
            raise InputError(str(path), f"{len(rows)} labelled images", f"{LEAST} or more")
        units = np.full((len(rows), len(layout.columns)), np.nan)
        classes = np.full((len(rows), len(layout.choices)), -1)
        for i, (line, row) in enumerate(rows):
            if kind == CLASSIFY:
                known = layout.choices[0].classes
                if row[CLASS] not in known:
                    raise InputError(
                        f"{path}: line {line}", f"class {row[CLASS]}", closest(row[CLASS], known)
                    )
                classes[i, 0] = known.index(row[CLASS])
            else:
                units[i] = [c.spec.to_unit(_number(path, line, row[c.name])) for c in layout.columns]
        truth = Truth(units, classes)
        check_classes(truth, kind, layout, str(path))
        return cls(tuple(path.parent / row[IMAGE] for _, row in rows), truth)

    def load(self, size: tuple[int, int]) -> Labelled:
        """With the images, brought to a height and width.

        Raises:
            InputError: If one cannot be read.
        """
        where, width_height = "matching.task.labels", (size[1], size[0])
        return Labelled(
            np.stack([as_rgb(read_image(p, where), width_height) for p in self.paths]), self.truth
        )


def labelled_part(
    config: TaskConfig, target: Target, layout: SceneLayout, say: Callable[[str], None]
) -> Labelled:
    """The labelled target: a file's, or the first images that a simulated target gives to learn from.

    Args:
        config: Where the labels are.
        target: The target; images of a file that are kept for the verdict are left out.
        layout: Columns and choices of the scenes.
        say: Told how many are left out.

    Raises:
        InputError: If the file is wrong, too few labels are left, or a class has too few images.
    """
    where = "matching.task.labels"
    if not isinstance(config.labels, Path):
        if config.labels > target.learning:
            raise InputError(
                where, str(config.labels), f"{target.learning} at most, the images to learn from"
            )
        truth = Truth(target.units[: config.labels], target.classes[: config.labels])
        check_classes(truth, config.kind, layout, where)
        return Labelled(target.images[: config.labels], truth)
    height, width = target.images.shape[1:3]
    given = LabelFile.read(config.labels, config.kind, layout).load((height, width))
    kept = {image.tobytes() for image in target.images[target.learning :]}
    rows = np.flatnonzero([image.tobytes() not in kept for image in given.images])
    if len(rows) == len(given.images):
        return given
    left_out = len(given.images) - len(rows)
    if len(rows) < LEAST:
        got = f"{left_out} of {len(given.images)} kept for the verdict"
        raise InputError(f"{config.labels}", got, f"{LEAST} others or more")
    say(f"{where}: {left_out} of {len(given.images)} images are kept for the verdict, and left out")
    check_classes(given.truth.take(rows), config.kind, layout, str(config.labels))
    return Labelled(given.images[rows], given.truth.take(rows))


def check_classes(truth: Truth, kind: str, layout: SceneLayout, where: str) -> None:
    """Refuses labels that lack a class.

    Raises:
        InputError: If a class has too few images for two halves.
    """
    if kind != CLASSIFY:
        return
    known = layout.choices[0].classes
    counts = np.bincount(truth.classes[:, 0], minlength=len(known))
    if counts.min() < LEAST_OF_A_CLASS:
        rare, least = known[int(counts.argmin())], int(counts.min())
        got = f"{least or 'no'} labelled image{'s' * (least != 1)} of class {rare}"
        raise InputError(where, got, f"{LEAST_OF_A_CLASS} or more of each class")


def _rows(path: Path, wanted: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their line numbers."""
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
            columns = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), str(error), "a readable CSV file") from error
    for name in (IMAGE, *wanted):
        if name not in columns:
            raise InputError(str(path), f"no column {name}", ", ".join((IMAGE, *wanted)))
    for line, row in rows:
        if None in row or None in row.values():
            raise InputError(
                f"{path}: line {line}", "another number of values", f"{len(columns)}, as in line 1"
            )
    return rows


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{path}: line {line}", repr(text), "a finite number")
    return value
