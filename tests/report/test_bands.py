from __future__ import annotations

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.report.bands import WINDOWS, band_of_seeds
from metasim.report.curves import bands, relative_mmd
from metasim.report.embedding import Embedding, embeddings
from metasim.report.pictures import Pictures


def log(steps: range, noise: float, name: str) -> list[dict]:
    rng = stream(0, name)
    return [
        {"stage": "fit", "step": k, "renders": 2 * k, "loss": float(rng.normal(1.0, noise))} for k in steps
    ]


def test_all_curves_of_a_panel_are_cut_in_the_same_windows() -> None:
    logs = {"a": [log(range(0, 600), 0.1, "a")], "b": [log(range(100, 900, 7), 0.1, "b")]}
    steps = {name: np.array([line["step"] for line in lines], float) for name, (lines,) in logs.items()}
    edges = np.linspace(0, max(s.max() for s in steps.values()) + 1e-9, WINDOWS + 1)
    for name, found in bands(logs, "loss", "step").items():
        values = np.array([line["loss"] for line in logs[name][0]])
        places = np.digitize(steps[name], edges) - 1
        assert len(found.x) == len(np.unique(places))
        for k, place in enumerate(np.unique(places)):
            inside = values[places == place]
            assert found.middle[k] == pytest.approx(inside.mean())
            assert found.error[k] == pytest.approx(inside.std() / len(inside) ** 0.5)


def test_a_band_holds_the_true_mean_as_often_as_its_error_says() -> None:
    found = bands({"a": [log(range(30_000), 0.5, "mean")]}, "loss", "step")["a"]
    inside = (found.low <= 1.0) & (found.high >= 1.0)
    assert 0.4 < inside.mean() < 0.95  # of 30 windows, 68 % expected


def test_seeds_are_drawn_as_mean_and_deviation() -> None:
    logs = [log(range(20), 0.3, f"seed {k}") for k in range(4)]
    found = bands({"all": logs}, "loss", "step")["all"]
    values = np.array([[line["loss"] for line in lines] for lines in logs])
    assert np.allclose(found.middle, values.mean(0))
    assert np.allclose(found.error, values.std(0))


def test_seeds_of_different_length_are_drawn_where_all_have_values() -> None:
    logs = [log(range(20), 0.0, "a"), log(range(5, 30), 0.0, "b")]
    found = bands({"all": logs}, "loss", "step")["all"]
    assert (found.x[0], found.x[-1]) == (5, 19)
    assert np.allclose(found.middle, 1.0)
    assert np.allclose(band_of_seeds([found, found]).error, 0.0)


def test_published_courses_are_drawn_over_their_first_value() -> None:
    lines = [{"stage": "refine", "step": k, "renders": 0, "mmd2": 8.0 / 2**k} for k in range(4)]
    plot = relative_mmd({"published": [lines]})
    assert plot is not None
    (curve,) = plot.axes[0].lines
    assert np.allclose(np.asarray(curve.get_ydata()), [1, 1 / 2, 1 / 4, 1 / 8])
    assert np.allclose(np.asarray(curve.get_xdata()), [0, 1 / 3, 2 / 3, 1])


def apart(offset: float) -> Pictures:
    """The same features twice, the generated ones moved."""
    features = stream(0, "embedding").normal(size=(60, 12))
    blank = np.zeros((60, 2, 2, 3), np.uint8)
    return Pictures(blank, blank, features + offset, features)


def test_planes_are_fitted_to_both_sets_together() -> None:
    """Fitted apart, two sets of one shape would always lie upon each other."""
    assert [_purity(plane) for plane in embeddings(apart(30.0))] == [1.0, 1.0]
    components = embeddings(apart(0.0))[0]
    assert np.allclose(components.generated, components.target)


def _purity(plane: Embedding) -> float:
    """Share of the images whose nearest neighbour is of their own set."""
    points = np.concatenate([plane.generated, plane.target])
    away = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(away, np.inf)
    side = np.arange(len(points)) < len(plane.generated)
    return float((side[away.argmin(1)] == side).mean())
