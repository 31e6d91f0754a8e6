"""Views that compare: what stands in one picture is counted in the same bins and drawn on the same axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import StepPatch

from metasim.report.columns import column_index
from metasim.report.courses import courses, three_views
from metasim.report.densities import all_densities
from metasim.report.distances import distances
from metasim.report.frames import frames
from metasim.report.joints import joints
from metasim.report.pair_course import pair_course
from metasim.report.run_data import RunData, load_run
from metasim.report.scene_plane import draw_scene_plane, scene_plane
from metasim.report.seeds import distinct_names
from metasim.report.side_by_side import side_by_side
from metasim.runs.folder import RunFolder

X, Y = "digit.loc_x", "digit.loc_y"


@pytest.fixture(scope="module")
def run(finished_run: RunFolder) -> RunData:
    return load_run(finished_run)


def outlines(axes: Axes) -> list[StepPatch]:
    return [patch for patch in axes.patches if isinstance(patch, StepPatch)]


def steps(axes: Axes) -> dict[str, StepPatch]:
    return {str(patch.get_label()): patch for patch in outlines(axes)}


def edges(patches: Sequence[StepPatch]) -> np.ndarray:
    """The edges that all of them share."""
    found = [patch.get_data()[1] for patch in patches]
    assert all(np.array_equal(found[0], other) for other in found)
    return found[0]


def share(values: np.ndarray, bins: np.ndarray) -> np.ndarray:
    return np.histogram(values, bins)[0] / len(values)


def column(values: np.ndarray | None, run: RunData, name: str) -> np.ndarray:
    assert values is not None
    assert run.populations is not None
    return values[:, column_index(run.populations, name)]


def test_moments_and_target_share_the_bins_of_their_panel(run: RunData) -> None:
    assert run.populations is not None
    place = column_index(run.populations, X)
    found = steps(courses(run).axes[place])
    bins = edges(list(found.values()))
    assert list(found) == ["target", *(frame.label for frame in frames(run))]
    for frame in frames(run):
        assert np.allclose(found[frame.label].get_data()[0], share(column(frame.values, run, X), bins))
    target = column(run.populations.target, run, X)
    assert np.allclose(found["target"].get_data()[0], share(target, bins))


def test_what_images_do_not_determine_is_hatched(run: RunData) -> None:
    """As the part of the generated scenes that it is, where there are any."""
    assert run.populations is not None
    made, place = run.populations, column_index(run.populations, X)
    told = np.ones(made.generated.shape, bool)
    told[:, place] = made.generated[:, place] > np.quantile(made.generated[:, place], 0.3)
    panels = all_densities(replace(run, populations=replace(made, told={"generated": told}))).axes
    for index, axes in enumerate(panels):
        found = steps(axes)
        assert ("not determined" in found) == (index == place)
    found = steps(panels[place])
    part, whole = (found[name].get_data()[0] for name in ("not determined", "generated"))
    assert part.sum() == pytest.approx(1 - told[:, place].mean())
    hidden = column(made.generated, run, X)[~told[:, place]]
    assert np.allclose(part, share(hidden, edges(list(found.values()))) * part.sum())
    assert (part <= whole + 1e-12).all()


def test_three_panels_have_the_same_axes_and_bins(run: RunData) -> None:
    assert run.populations is not None
    panels = three_views(run, column_index(run.populations, X)).axes
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels}) == 1
    bins = edges([patch for axes in panels for patch in outlines(axes)])
    (first,) = outlines(panels[1])
    assert np.allclose(first.get_data()[0], share(column(frames(run)[0].values, run, X), bins))


def test_a_pair_is_drawn_on_the_same_axes_at_all_moments(run: RunData) -> None:
    drawn = pair_course(run, X, Y)
    scatters = [axes for axes in drawn.axes if axes.collections]
    assert len(scatters) == len(frames(run))
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in scatters}) == 1
    for axes, frame in zip(scatters, frames(run), strict=True):
        points = np.asarray(axes.collections[-1].get_offsets())
        assert np.array_equal(points[:, 0], column(frame.values, run, X)[: len(points)])
        assert np.array_equal(points[:, 1], column(frame.values, run, Y)[: len(points)])
    marginals = [axes for axes in drawn.axes if not axes.collections]
    assert len({edges(outlines(axes)).tobytes() for axes in marginals}) == 2


def test_scenes_are_placed_by_one_fit(run: RunData) -> None:
    """Fitted apart, two populations of one shape would always lie upon each other."""
    assert run.populations is not None
    made = run.populations
    same = scene_plane(replace(run, epochs=[], populations=replace(made, target=made.generated)))
    assert same is not None
    assert same.target is not None
    assert np.allclose(same.moments["the tuned generator"], same.target)
    moved = made.generated.copy()
    moved[:, column_index(made, X)] += 12.0
    apart = scene_plane(replace(run, epochs=[], populations=replace(made, target=moved)))
    assert apart is not None
    assert apart.target is not None
    gap = apart.target[:, 0].mean() - apart.moments["the tuned generator"][:, 0].mean()
    assert abs(gap) == pytest.approx(0.5, rel=0.1)  # 12 of a range of 24
    assert apart.explained.sum() <= 1.0 + 1e-9


def test_scenes_without_true_attributes_or_nodes_are_placed_too(run: RunData) -> None:
    assert run.populations is not None
    generated = run.populations.generated.copy()
    generated[::3, 1] = np.nan
    photographs = replace(run.populations, generated=generated, target=None)
    found = scene_plane(replace(run, populations=photographs))
    assert found is not None
    assert found.target is None
    assert all(np.isfinite(points).all() for points in found.moments.values())
    assert len(draw_scene_plane(found).axes) == 2
    assert scene_plane(replace(run, populations=None)) is None


def test_runs_share_the_bins_of_their_panel(run: RunData, make_run) -> None:
    other = load_run(make_run("digits/two"))
    panel = side_by_side([run, other])[X]
    found = steps(panel.axes[0])
    bins = edges(list(found.values()))
    assert list(found) == ["prior", "target", run.name, other.name]
    for each in (run, other):
        assert each.populations is not None
        values = column(each.populations.generated, each, X)
        assert np.allclose(found[each.name].get_data()[0], share(values, bins))
    assert side_by_side([run]) == {}


def test_runs_of_one_name_are_told_apart(run: RunData) -> None:
    assert distinct_names([run, run, run]) == [run.name, f"{run.name} #2", f"{run.name} #3"]
    plot = distances([run, run])
    assert plot is not None
    assert {run.name, f"{run.name} #2"} <= {str(line.get_label()) for line in plot.axes[0].lines}


def test_numbers_of_a_matrix_stand_in_their_panels(run: RunData) -> None:
    (matrix,) = joints(run).values()
    canvas = FigureCanvasAgg(matrix)
    canvas.draw()
    panel = matrix.axes[1]
    for text in panel.texts:
        box, place = text.get_window_extent(), panel.get_window_extent()
        assert place.x0 <= box.x0 <= box.x1 <= place.x1
        assert place.y0 <= box.y0 <= box.y1 <= place.y1
