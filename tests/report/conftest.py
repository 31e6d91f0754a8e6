"""A small run folder, made by the same functions as a training's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.config import ExperimentConfig, RendererConfig, TargetConfig
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.population import Column, Populations
from metasim.runs.samples import save_images
from metasim.runs.session import run_session
from metasim.runs.summary import (
    AttributeResult,
    Correlation,
    Frequency,
    Moments,
    Summary,
    Verdict,
)
from metasim.stats.moments import correlation, mean_std
from metasim.stats.wasserstein import circular_wasserstein, wasserstein

COLUMNS = (
    Column("object.yaw", "deg", 0.0, 360.0, periodic=True),
    Column("object.x", "m", -1.0, 1.0),
    Column("object.y", "m", -1.0, 1.0),
)


def _draw(seed: int, mean: tuple[float, float, float], std: tuple[float, float, float], n: int) -> np.ndarray:
    noise = stream(seed, "population").standard_normal((n, 3))
    noise[:, 2] = 0.8 * noise[:, 1] + 0.6 * noise[:, 2]
    values = np.array(mean) + noise * np.array(std)
    values[:, 0] %= 360.0
    return values


def draw_populations(known: bool) -> Populations:
    return Populations(
        columns=COLUMNS,
        prior=_draw(1, (180.0, 0.0, 0.0), (40.0, 0.3, 0.3), 400),
        generated=_draw(2, (92.0, 0.42, -0.2), (9.0, 0.1, 0.12), 400),
        inferred=_draw(3, (91.0, 0.41, -0.2), (11.0, 0.1, 0.12), 300),
        target=_draw(4, (90.0, 0.4, -0.2), (10.0, 0.1, 0.12), 300) if known else None,
    )


@pytest.fixture
def populations() -> Populations:
    return draw_populations(known=True)


def distance(a: np.ndarray, b: np.ndarray, column: Column) -> float:
    span = column.high - column.low
    return circular_wasserstein(a, b, span) if column.periodic else wasserstein(a, b, span)


def _moments(values: np.ndarray, column: Column) -> Moments:
    mean, std = mean_std(values, column.high - column.low if column.periodic else None)
    return Moments(mean=mean, std=std)


def _result(made: Populations, index: int) -> AttributeResult:
    column, target = made.columns[index], made.target
    known = None if target is None else target[:, index]
    half = len(target) // 2 if target is not None else 0
    return AttributeResult(
        unit=column.unit,
        range=(column.low, column.high),
        periodic=column.periodic,
        identifiable=index != 2,
        spread_identifiable=True,
        classes_not_identifiable=["bowl"] if index == 0 else [],
        prior=_moments(made.prior[:, index], column),
        generated=_moments(made.generated[:, index], column),
        target=None if known is None else _moments(known, column),
        w1_prior=None if known is None else distance(made.prior[:, index], known, column),
        w1=None if known is None else distance(made.generated[:, index], known, column),
        w1_floor=None if known is None else distance(known[:half], known[half:], column),
    )


def _summary(made: Populations, name: str) -> Summary:
    known = made.target is not None
    pair = None if made.target is None else correlation(made.target[:, 1], made.target[:, 2])
    return Summary(
        experiment=name,
        seed=0,
        renders=512,
        wall_seconds=93.5,
        render_seconds=61.25,
        verdict=Verdict(
            n_target=150,
            n_generated=300,
            mmd2=1e-4,
            mmd2_floor=2e-4,
            p_value=0.37,
            c2st=0.52,
            c2st_ci=(0.47, 0.57),
        ),
        attributes={column.name: _result(made, i) for i, column in enumerate(made.columns)},
        correlations=[
            Correlation(
                a="object.x",
                b="object.y",
                target=pair,
                generated=correlation(made.generated[:, 1], made.generated[:, 2]),
            )
        ],
        classes={
            "object": {c: Frequency(target=0.5 if known else None, generated=0.5) for c in ("mug", "bowl")}
        },
    )


def _images(name: str, shade: int) -> list[np.ndarray]:
    noise = stream(0, name).integers(0, 40, (12, 48, 64, 3))
    return list((noise + shade).astype(np.uint8))


MakeRun = Callable[..., RunFolder]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes ``tmp_path/results/<name>/0``: finished, or left in the middle by ``finished=False``."""

    def make(name: str = "tyol/yaw", known: bool = True, finished: bool = True) -> RunFolder:
        config = ExperimentConfig(
            name=name,
            grammar={"symbols": name},
            target=TargetConfig(images=tmp_path),
            renderer=RendererConfig(kind="sprites"),
        )
        folder = RunFolder.create(tmp_path / "results", name, 0, config)
        try:
            with run_session(folder) as session, RunLog(folder) as log:
                for step in range(12):
                    log.scalars("reconstruct", step, 0, loss=2.0**-step)
                save_images(folder.images / "target", _images("target", 150), keep=64)
                for step in range(4):
                    session.count_renders("learning", 128)
                    log.scalars(
                        "refine", step, 128 * (step + 1), loss=1.0 / (step + 1), mmd2=0.5 / (step + 1)
                    )
                if not finished:
                    raise KeyboardInterrupt
                made = draw_populations(known)
                made.save(folder.population)
                save_images(folder.images / "prior", _images("prior", 60), keep=64)
                save_images(folder.images / "epoch_0001", _images("epoch", 100), keep=64)
                save_images(folder.images / "most_recent", _images("generated", 140), keep=64)
                _summary(made, name).save(folder.summary)
        except KeyboardInterrupt:
            pass
        return folder

    return make
