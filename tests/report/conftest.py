"""A small run folder of real draws and renders, made by the same functions as a training's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.config import ExperimentConfig, RendererConfig, TargetConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.protocol import Pass
from metasim.rendering.registry import engine
from metasim.report.page import write_report
from metasim.report.run_data import load_run
from metasim.runs.epochs import Epoch
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.manifest import Manifest
from metasim.runs.metrics import GRADIENT
from metasim.runs.population import Column, Populations
from metasim.runs.samples import save_images
from metasim.runs.session import run_session
from metasim.runs.summary import (
    AttributeResult,
    Comparison,
    Correlation,
    Frequency,
    Moments,
    Reading,
    Shift,
    Summary,
    Verdict,
)
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import SceneLayout
from metasim.stats.moments import correlation, mean_std
from metasim.stats.wasserstein import circular_wasserstein, wasserstein

sys.path += [str(Path(__file__).parent)]  # where the tests find their reader of pages

FOLLOWING = {"follow": {"attribute": "loc_x", "offset": 2, "std": 1.5}}


def grammar(x: float, yaw: float) -> SceneGrammar:
    """A digit about ``x`` whose height in the image follows ``x``."""
    digit = {
        "classes": ["3", "7"],
        "attributes": {
            "yaw": {
                "unit": "deg",
                "range": [0, 360],
                "periodic": True,
                "mutable": True,
                "law": {"normal": {"mean": yaw, "std": 15}},
            },
            "loc_x": {
                "unit": "px",
                "range": [4, 28],
                "mutable": True,
                "law": {"normal": {"mean": x, "std": 2}},
            },
            "loc_y": {"unit": "px", "range": [4, 28], "mutable": True, "law": FOLLOWING},
        },
    }
    symbols = {"image": {"children": ["digit"]}, "digit": digit}
    return SceneGrammar.from_mapping({"start": "image", "symbols": symbols})


PRIOR, NEAR, TARGET = grammar(16, 0), grammar(20.2, 88), grammar(20, 90)


def draw(source: SceneGrammar, stage: str, number: int) -> list[SceneGraph]:
    return [source.sample(stream(0, stage, index)) for index in range(number)]


def columns() -> tuple[Column, ...]:
    found = SceneLayout.of(PRIOR.schema, PRIOR.sample(stream(0, "layout"))).columns
    return tuple(Column(c.name, c.spec.unit, c.spec.low, c.spec.high, c.spec.periodic) for c in found)


def values(graphs: Sequence[SceneGraph]) -> np.ndarray:
    names = [column.name.split(".") for column in columns()]
    return np.array([[g.by_name[node].attributes[attribute] for node, attribute in names] for g in graphs])


def draw_populations(known: bool) -> Populations:
    return Populations(
        columns=columns(),
        prior=values(draw(PRIOR, "prior", 300)),
        generated=values(draw(NEAR, "generated", 300)),
        inferred=values(draw(TARGET, "inferred", 200)),
        target=values(draw(TARGET, "target", 200)) if known else None,
    )


@pytest.fixture
def populations() -> Populations:
    return draw_populations(known=True)


def distance(a: np.ndarray, b: np.ndarray, column: Column) -> float:
    span = column.high - column.low
    return circular_wasserstein(a, b, span) if column.periodic else wasserstein(a, b, span)


def moments(values: np.ndarray, column: Column) -> Moments:
    mean, std = mean_std(values, column.high - column.low if column.periodic else None)
    return Moments(mean=mean, std=std)


def result(made: Populations, index: int) -> AttributeResult:
    column, target = made.columns[index], made.target
    known = None if target is None else target[:, index]
    return AttributeResult(
        unit=column.unit,
        range=(column.low, column.high),
        periodic=column.periodic,
        identifiable=column.name != "digit.loc_y",
        spread_identifiable=True,
        classes_not_identifiable=["7"] if column.periodic else [],
        prior=moments(made.prior[:, index], column),
        generated=moments(made.generated[:, index], column),
        target=None if known is None else moments(known, column),
        w1_prior=None if known is None else distance(made.prior[:, index], known, column),
        w1=None if known is None else distance(made.generated[:, index], known, column),
        w1_floor=None if known is None else distance(known[::2], known[1::2], column),
    )


def correlated(made: Populations) -> Correlation:
    names = [column.name for column in made.columns]
    a, b = names.index("digit.loc_x"), names.index("digit.loc_y")
    target = None if made.target is None else correlation(made.target[:, a], made.target[:, b])
    generated = correlation(made.generated[:, a], made.generated[:, b])
    return Correlation(a=names[a], b=names[b], target=target, generated=generated, error=0.037)


def summary(made: Populations, name: str) -> Summary:
    half = 0.5 if made.target is not None else None
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
            features={name: evidence(p) for name, p in (("inverse", 0.37), ("convolutions", 0.81))},
            shifts={
                c.name: Shift(difference=1.23, error=0.9, p_value=0.17, smallest=2.5, power=0.8)
                for c in made.columns
            },
            readings={"digit.loc_x": Reading(error=0.456, explained={"3": 0.98, "7": 0.97})},
            false_alarms={"mmd": 0.05, "c2st": 0.025},
        ),
        attributes={column.name: result(made, i) for i, column in enumerate(made.columns)},
        correlations=[correlated(made)],
        classes={"digit": {name: Frequency(target=half, generated=0.5) for name in ("3", "7")}},
    )


def evidence(p: float) -> Comparison:
    return Comparison(
        n_target=150,
        n_generated=300,
        mmd2=1e-4 * p,
        mmd2_floor=2e-4,
        p_value=p,
        c2st=0.53,
        c2st_ci=(0.46, 0.58),
        p_values=[p / 2, p],
        null_p_values=[0.5, 0.25],
    )


def images(source: SceneGrammar, stage: str) -> list[np.ndarray]:
    graphs = draw(source, stage, 12)
    frames = engine("sprites")(size=32).render(graphs, frozenset({Pass.RGB}), 0)
    return [frame[Pass.RGB] for frame in frames]


MakeRun = Callable[..., RunFolder]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes ``tmp_path/results/<name>/0``: finished, or left in the middle by ``finished=False``."""

    def make(name: str = "digits/one", known: bool = True, finished: bool = True, seed: int = 0) -> RunFolder:
        return run_in(tmp_path, name, known, finished, seed)

    return make


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run with its report; tests leave it as it is."""
    folder = run_in(tmp_path_factory.mktemp("finished"), "digits/one", known=True, finished=True, seed=0)
    write_report(load_run(folder))
    return folder


def run_in(place: Path, name: str, known: bool, finished: bool, seed: int) -> RunFolder:
    config = ExperimentConfig(
        name=name,
        grammar=PRIOR.to_mapping(),
        target=TargetConfig(grammar=TARGET.to_mapping()) if known else TargetConfig(images=place),
        renderer=RendererConfig(kind="sprites"),
        seed=seed,
    )
    folder = RunFolder.create(place / "results", name, seed, config)
    try:
        fill(folder, known, finished)
    except KeyboardInterrupt:
        assert not finished
    return folder


def fill(folder: RunFolder, known: bool, finished: bool) -> None:
    with run_session(folder) as session, RunLog(folder) as log:
        for step in range(12):
            flow = {f"{GRADIENT}layer.{k}": 2.0 ** (k - step) for k in range(3)}
            log.scalars("reconstruct", step, 0, loss=2.0**-step, **flow)
        for number, source in enumerate((PRIOR, grammar(18, 45))):
            scenes = draw(source, f"epoch/{number}", 200)
            Epoch(number, "prior" if number == 0 else "invert/0", 128 * number, values(scenes)).save(
                folder.epochs
            )
            save_images(folder.images / f"epoch_{number:04d}", images(source, f"epoch/{number}"), keep=64)
        save_images(folder.images / "target", images(TARGET, "target"), keep=64)
        for step in range(4):
            session.count_renders("learning", 128)
            mmd2, error = 0.5 / (step + 1), 0.05 / (step + 1)
            log.scalars("refine", step, 128 * (step + 1), loss=2 * mmd2, mmd2=mmd2, mmd2_error=error)
        if not finished:
            raise KeyboardInterrupt
        made = draw_populations(known)
        made.save(folder.population)
        save_images(folder.images / "prior", images(PRIOR, "prior"), keep=64)
        save_images(folder.images / "most_recent", images(NEAR, "generated"), keep=64)
        summary(made, Manifest.load(folder.manifest).experiment).save(folder.summary)
