"""The task bench: its rows can be run, each criterion can fail, labels are files as users write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metasim.base.errors import InputError
from metasim.bench.lessons import SKEWED, Lessons
from metasim.bench.task import LABELS, ROWS, TaskBench
from metasim.matching.task.labels import LabelFile
from metasim.pipeline import Experiment
from metasim.runs.progress import NoProgress

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.mark.parametrize("name", ROWS)
def test_every_row_can_be_run_once_its_labels_are_there(name: str, tmp_path: Path) -> None:
    bench = TaskBench(EXPERIMENTS, tmp_path)
    config = bench.config(name, 1)
    lessons = Lessons.of(config, ROWS[name].skew)
    lessons.write_labels(tmp_path / "labels" / name / "1" / "labels.csv", LABELS)
    assert Experiment.prepare(config).config.seed == 1


def test_skewed_labels_are_mostly_of_the_chosen_classes(tmp_path: Path) -> None:
    bench = TaskBench(EXPERIMENTS, tmp_path)
    lessons = Lessons.of(bench.config("digits_rotation_skewed", 0), ("4", "7", "9"))
    lessons.write_labels(tmp_path / "labels.csv", LABELS)
    found = LabelFile.read(tmp_path / "labels.csv", "classify", lessons.experiment.layout)
    share = np.isin(found.truth.classes[:, 0], [4, 7, 9]).mean()
    assert abs(share - SKEWED) < 4 * (SKEWED * (1 - SKEWED) / LABELS) ** 0.5
    test = lessons.test(50)
    assert test.goals.shape == (50, 10)


def test_networks_of_the_target_s_law_and_of_the_prior_learn_from_its_scenes(tmp_path: Path) -> None:
    """Told by classes, of which the target is skewed; a share's error is binomial."""
    lessons = Lessons.of(
        TaskBench(EXPERIMENTS, tmp_path).config("digits_rotation_skewed", 0), ("4", "7", "9")
    )
    for kind, share in {"target": SKEWED, "prior": 0.3}.items():
        lesson, weights = lessons.beside(kind, 400)
        assert len(lesson) == 400
        assert np.allclose(weights, 1 / 400)
        found = lesson.goals[:, [4, 7, 9]].sum() / 400
        assert abs(found - share) < 4 * (share * (1 - share) / 400) ** 0.5


@pytest.mark.parametrize("beside", [("nope",), ()])
def test_networks_beside_are_known_and_those_that_judge_are_there(
    beside: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="--beside"):
        next(TaskBench(EXPERIMENTS, tmp_path, beside=beside).run(list(ROWS), [0], NoProgress()))


@pytest.mark.parametrize(
    ("name", "tuned", "passed"),
    [
        ("mnist_rotation", 0.9951, True),
        ("mnist_rotation", 0.9949, False),
        ("digits_rotation_skewed", 0.5, True),
        ("digits_rotation_skewed", 0.1, False),
    ],
)
def test_a_row_passes_as_published_or_if_better_than_the_prior(
    name: str, tuned: float, passed: bool, tmp_path: Path
) -> None:
    found = {"prior": (0.15, 2.0), "matched": (0.99, 0.1), "tuned": (tuned, 0.1)}
    line = TaskBench(EXPERIMENTS, tmp_path)._line(name, 0, found, 2200)
    assert line["passed"] == passed
    assert line["tuned"]


def test_an_unknown_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nope"):
        next(TaskBench(EXPERIMENTS, tmp_path).run(["nope"], [0], NoProgress()))


def test_fewer_images_than_a_run_takes_itself_are_refused_before_it_begins(tmp_path: Path) -> None:
    bench = TaskBench(EXPERIMENTS, tmp_path, images=3000)
    with pytest.raises(InputError, match="3390"):
        next(bench.run(["mnist_rotation"], [0], NoProgress()))
    assert not list(tmp_path.iterdir())


def test_a_row_that_the_prior_judges_is_not_run_without_it(tmp_path: Path) -> None:
    bench = TaskBench(EXPERIMENTS, tmp_path, beside=("target",))
    with pytest.raises(InputError, match="digits_rotation_skewed"):
        next(bench.run(list(ROWS), [0], NoProgress()))
    assert not list(tmp_path.iterdir())
