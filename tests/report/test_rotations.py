"""The view of rotations in space: each point is a scene of the population's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Line3D

from metasim.report.figures import GENERATED, PRIOR, TARGET
from metasim.report.rotations import rotations
from metasim.report.run_data import RunData, load_run
from metasim.runs.folder import RunFolder

RUN = RunFolder(Path(__file__).parents[2] / "results" / "reference" / "tyol" / "0")
NODE = "object"
COLOURS = {"prior": PRIOR, "target": TARGET, "generated": GENERATED}
FEW = 300


@pytest.fixture(scope="module")
def run() -> RunData:
    return load_run(RUN)


@pytest.fixture(scope="module")
def file() -> dict[str, np.ndarray]:
    with np.load(RUN.population) as kept:
        return dict(kept)


def spaces(run: RunData) -> list[Axes3D]:
    """Both views."""
    found: list[Axes] = [axes for drawn in rotations(run).values() for axes in drawn.axes]
    assert len(found) == 2
    return [axes for axes in found if isinstance(axes, Axes3D)]


def points(axes: Axes3D) -> dict[str, np.ndarray]:
    """(n, 3) points by population, as they are drawn."""
    lines = [line for line in axes.lines if isinstance(line, Line3D)]
    return {str(line.get_label()): np.column_stack([*map(np.asarray, line.get_data_3d())]) for line in lines}


def test_each_point_is_a_scene(run: RunData, file: dict[str, np.ndarray]) -> None:
    """Every k-th of the file, its three angles together, whole turns apart where an angle wraps."""
    names = file["columns"].tolist()
    places = [names.index(f"{NODE}.{angle}") for angle in ("yaw", "pitch", "roll")]
    wraps, turns = file["periodic"][places], np.ptp(file["ranges"], axis=1)[places]
    rounding = 4 * np.finfo(np.float32).eps * turns.max()  # of the numbers that are kept
    for axes in spaces(run):
        found = points(axes)
        assert found.keys() == COLOURS.keys()
        for name, drawn in found.items():
            scenes = file[name][:: max(len(file[name]) // FEW, 1)][:, places]
            assert drawn.shape == scenes.shape
            away = drawn - scenes
            whole = wraps * turns * np.round(away / turns)
            assert np.abs(away - whole).max() <= rounding
        pooled = np.concatenate(list(found.values()))
        assert (np.ptp(pooled, axis=0) <= turns + rounding).all()


def test_axes_and_colours_are_named_right(run: RunData) -> None:
    first, second = spaces(run)
    assert first.azim != second.azim
    for axes in (first, second):
        labels = (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel())
        assert labels == ("yaw (deg)", "pitch (deg)", "roll (deg)")
        for line in axes.lines:
            assert same_color(line.get_color(), COLOURS[str(line.get_label())])


def test_an_unknown_target_and_absent_nodes_leave_no_point(run: RunData) -> None:
    assert run.populations is not None
    generated = run.populations.generated.copy()
    generated[::2] = np.nan
    photographs = replace(run, populations=replace(run.populations, generated=generated, target=None))
    for axes in spaces(photographs):
        found = points(axes)
        assert found.keys() == {"prior", "generated"}
        step = max(len(generated) // FEW, 1)
        assert np.array_equal(np.isnan(found["generated"]).all(1), np.isnan(generated[::step, 0]))
    assert rotations(replace(run, populations=None)) == {}
