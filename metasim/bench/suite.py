"""The matching suite: its experiments, what counts as matched, and what a baseline may spend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from metasim.config import ExperimentConfig, load_experiment
from metasim.matching.refinement import BASELINES, difference_renders
from metasim.pipeline import Experiment

OURS = "inversion"
STD_RATIO = (0.8, 1.25)
CORRELATION_ERROR = 0.1
MODE_ERROR = 0.05
FLOOR_FACTOR = 2.0


@dataclass(frozen=True)
class Mode:
    """One of the two modes of an attribute's target law.

    Attributes:
        column: The attribute, ``<node>.<attribute>``.
        low: Where the mode begins, far from both.
        high: Where it ends.
    """

    column: str
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """An experiment of the suite.

    Attributes:
        w1: Largest error (of the range) that counts as matched.
        renders: Most renders.
        experiment: Its file, without the suffix, where it is not the row's name.
        settings: What differs from the file.
        mode: One of two modes whose weight is to be found.
    """

    w1: float
    renders: int
    experiment: str | None = None
    settings: tuple[str, ...] = ()
    mode: Mode | None = None


SUITE = {
    "digits_rotation": Row(0.01, 2500),
    "digits_rotation_translation": Row(0.01, 4000),
    "digits_bimodal": Row(0.02, 5000, mode=Mode("digit.yaw", 110, 310)),
    "digits_five": Row(0.015, 5000),
    "tyol/single_1_attr": Row(0.01, 2000),
    "tyol/single_3_attr": Row(0.01, 2500),
    "tyol/single_5_attr": Row(0.012, 4000),
    "tyol/single_8_attr": Row(0.012, 7000),
    "tyol/multi_1_attr": Row(0.015, 3000),
    "tyol/multi_3_attr": Row(0.015, 5000),
    "tyol/multi_5_attr": Row(0.015, 8000),
    "tyol": Row(0.02, 12000),
    "tyol/multi_8_attr_bimodal": Row(0.02, 12000, mode=Mode("object.yaw", 110, 300)),
    "digits_rotation_translation_looks": Row(
        0.02, 4000, "digits_rotation_translation", ("target.changed=looks",)
    ),
    "tyol/single_3_attr_looks": Row(0.02, 2500, "tyol/single_3_attr", ("target.changed=looks",)),
    "digits_rotation_100": Row(0.02, 2500, "digits_rotation", ("target.num=100",)),
}
QUICK = ("digits_rotation", "digits_rotation_translation")


def experiment(
    folder: Path, name: str, method: str, seed: int, budget: int | None = None
) -> ExperimentConfig:
    """The experiment of a row.

    Args:
        folder: Folder of the experiments.
        name: Key of ``SUITE``.
        method: Preset of the matching.
        seed: Root seed.
        budget: Renders that a baseline may spend; by default as many as the row allows.
    """
    row = SUITE[name]
    settings = [f"name={name.replace('/', '_')}", f"matching.preset={method}", *row.settings]
    config = load_experiment(folder / f"{row.experiment or name}.yaml", settings, seed)
    if method not in BASELINES:
        return config
    columns = len(Experiment.prepare(config).layout.columns)
    steps = max((budget or row.renders) // difference_renders(BASELINES[method].batch, columns), 1)
    return config.model_copy(update={"matching": config.matching.model_copy(update={"refine_steps": steps})})
