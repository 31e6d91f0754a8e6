"""Laws of the aerial engine: frames compose, ids are the geometry, edges cover what they cover."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.path import Path

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.contract import Push, check_renderer
from metasim.rendering.protocol import Pass
from metasim.rendering.registry import check_options
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.aerial.place import Place
from renderers.aerial.renderer import THINGS, AerialRenderer, places

RGB = frozenset({Pass.RGB})
IDS = frozenset({Pass.INSTANCE})
ALL_PASSES = frozenset({Pass.RGB, Pass.INSTANCE, Pass.CLASS})
HOUSE = (3.6, 2.6)  # half its length and width, metres
CAR_AREA = 4.6 * 2.0 - (4 - math.pi) * 0.3**2
SIZE, METRES = 128, 32.0

Values = Mapping[str, float]

metres, degrees = st.floats(-9, 9), st.floats(0, 360)
roads = st.fixed_dictionaries({"crosses": st.floats(-4, 4), "yaw": st.floats(-90, 90)})
spots = st.fixed_dictionaries({"along": metres, "across": metres, "heading": degrees})


def graph(road: Values, *things: tuple[str, Values]) -> SceneGraph:
    """An image, a road, and things on it: node i + 2 is the thing i."""
    nodes = [SceneNode(f"thing_{i}", "thing", cls, 1, values) for i, (cls, values) in enumerate(things)]
    above = SceneNode("image", "image", "image", None, {}), SceneNode("road", "road", "road", 0, road)
    return SceneGraph((*above, *nodes))


def rigid(x: float, y: float, turn: float) -> npt.NDArray[np.float64]:
    """The homogeneous matrix of a frame, degrees counter-clockwise."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1]])


def frame_of(road: Values, thing: Values) -> npt.NDArray[np.float64]:
    own = rigid(thing["along"], thing["across"], thing.get("heading", 0.0))
    return rigid(0, road["crosses"], road["yaw"]) @ own


def pixel_of(point: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Column and row, of the upper left pixel's middle (0, 0), at a point of the ground."""
    return SIZE / 2 - 0.5 + SIZE / METRES * np.array([point[0], -point[1]])


def ids_of(scene: SceneGraph, size: int = SIZE) -> npt.NDArray[np.int64]:
    return np.asarray(AerialRenderer(size, METRES).render([scene], IDS, 0)[0][Pass.INSTANCE], np.int64)


def grounds() -> npt.NDArray[np.float64]:
    """(pixels, 2) x and y in metres of the middles of all pixels, row by row."""
    rows, columns = np.mgrid[:SIZE, :SIZE].reshape(2, -1)
    step = METRES / SIZE
    return np.stack([(columns + 0.5) * step - METRES / 2, METRES / 2 - (rows + 0.5) * step], axis=1)


@settings(max_examples=15, deadline=None)
@given(roads, spots, st.sampled_from(["car", "house", "tree"]))
def test_the_middle_of_a_mask_is_the_place_in_the_frame_of_the_road(
    road: Values, spot: Values, cls: str
) -> None:
    middle = frame_of(road, spot)[:2, 2]
    assume(np.abs(middle).max() < METRES / 2 - 5)
    rows, columns = np.nonzero(ids_of(graph(road, (cls, spot))) == 3)
    # Were a whole edge to fall just short of pixels' middles, the mask would lose half a pixel there.
    assert np.abs([columns.mean(), rows.mean()] - pixel_of(middle)).max() < 0.5 + 1e-9


@settings(max_examples=15, deadline=None)
@given(roads, spots)
def test_a_house_is_seen_in_just_the_pixels_that_its_corners_enclose(road: Values, spot: Values) -> None:
    corners = np.array([[x * HOUSE[0], y * HOUSE[1], 1] for x, y in ((1, 1), (-1, 1), (-1, -1), (1, -1))])
    outline = Path((frame_of(road, spot) @ corners.T)[:2].T)
    sides = [outline.contains_points(grounds(), radius=r) for r in (-1e-6, 1e-6)]
    inside, touched = np.minimum(*sides), np.maximum(*sides)
    found = (ids_of(graph(road, ("house", spot))) == 3).ravel()
    assert (found[inside]).all()
    assert not (found[~touched]).any()


@settings(max_examples=10, deadline=None)
@given(roads, st.lists(st.tuples(metres, metres, st.floats(0.5, 3)), min_size=1, max_size=4))
def test_later_trees_stand_before_earlier_ones_and_the_road_lies_below(
    road: Values, trees: list[tuple[float, float, float]]
) -> None:
    spots = [{"along": a, "across": c, "radius": r} for a, c, r in trees]
    ground = grounds()
    to_road = np.linalg.inv(rigid(0, road["crosses"], road["yaw"]))
    expected = np.where(np.abs(ground @ to_road[1, :2] + to_road[1, 2]) < 3.5, 2, 0)
    for number, spot in enumerate(spots, start=3):
        middle = frame_of(road, spot)[:2, 2]
        expected[np.linalg.norm(ground - middle, axis=1) < spot["radius"]] = number
    found = ids_of(graph(road, *(("tree", spot) for spot in spots))).ravel()
    assert (found != expected).mean() < 1e-4  # a pixel's middle may lie on an edge


@given(roads, spots)
def test_places_are_those_of_matrices_multiplied(road: Values, spot: Values) -> None:
    found = places(graph(road, ("car", spot)))[2]
    wanted = frame_of(road, spot)
    assert (found.x, found.y) == pytest.approx(wanted[:2, 2], abs=1e-9)
    assert (math.cos(found.turn), math.sin(found.turn)) == pytest.approx(wanted[:2, 0], abs=1e-9)
    there = Place(*found.__dict__.values()).inside(np.array([found.x]), np.array([found.y]))
    assert np.abs(there).max() < 1e-12


def test_a_node_without_a_place_hands_on_the_frame_above_it() -> None:
    road = {"crosses": 3.0, "yaw": 30.0}
    nodes = graph(road).nodes
    row = SceneNode("row", "row", "row", 1, {"along": 99.0})
    house = SceneNode("house", "house", "house", 2, {"along": 4.0})
    found = places(SceneGraph((*nodes, row, house)))
    assert found[2] == found[1]
    assert (found[3].x, found[3].y) == pytest.approx((4 * math.cos(math.pi / 6), 5.0))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turn_of_the_road_turns_all_that_lies_by_it(turns: int) -> None:
    things = [
        ("car", {"along": 3.3, "across": -1.7, "heading": 20.0}),
        ("house", {"along": -5.1, "across": 7.2, "heading": -30.0, "colour": 0.6}),
        ("tree", {"along": 8.4, "across": -10.3, "colour": 0.3}),
    ]
    scenes = [graph({"yaw": yaw}, *things) for yaw in (0.0, 90.0 * turns)]
    straight, turned = AerialRenderer(64).render(scenes, ALL_PASSES, 0)
    for name in (Pass.INSTANCE, Pass.CLASS):
        assert (np.rot90(straight[name], turns) == turned[name]).all()
    colours = [np.asarray(frame[Pass.RGB], np.int64) for frame in (straight, turned)]
    assert np.abs(np.rot90(colours[0], turns) - colours[1]).max() <= 1  # rounding


def test_front_and_back_of_a_car_differ_those_of_a_house_do_not() -> None:
    pairs = {}
    for cls in ("car", "house"):
        both = [graph({"crosses": 8.0}, (cls, {"across": -9.0, "heading": h})) for h in (40.0, 220.0)]
        one, other = (
            np.asarray(frame[Pass.RGB], np.int64) for frame in AerialRenderer(64).render(both, RGB, 0)
        )
        pairs[cls] = np.abs(one - other).max()
    assert pairs["house"] <= 1
    assert pairs["car"] > 50


@settings(max_examples=10, deadline=None)
@given(st.floats(-10, 10), st.floats(4, 10), degrees)
def test_a_car_covers_its_area(along: float, across: float, heading: float) -> None:
    ids = ids_of(graph({}, ("car", {"along": along, "across": across, "heading": heading})))
    perimeter = 2 * (4.6 + 2.0)
    bound = 0.5 * perimeter * METRES / SIZE  # half a pixel on every side, were all errors to add up
    assert (ids == 3).sum() * (METRES / SIZE) ** 2 == pytest.approx(CAR_AREA, abs=bound / 2)


def test_small_images_show_what_large_ones_average_to() -> None:
    things = [(cls, {"along": 5.0 * i - 7, "across": 3.0 * i - 4}) for i, cls in enumerate(THINGS[1:])]
    scene = graph({"yaw": 17.0, "crosses": 1.3}, *things)
    large, small = (
        np.asarray(AerialRenderer(size).render([scene], RGB, 0)[0][Pass.RGB], np.float64)
        for size in (512, 64)
    )
    averaged = large.reshape(64, 8, 64, 8, 3).mean((1, 3))
    assert np.abs(averaged - small).mean() < 1.5
    assert np.abs(averaged - small).max() < 64  # lines thinner than a pixel come out too bright


def test_light_is_a_gain_and_the_grass_has_the_deviation_it_is_given() -> None:
    def lit(gain: float, texture: float, phase: float = 0.0) -> SceneGraph:
        light = SceneNode("light", "light", "light", 0, {"gain": gain})
        ground = SceneNode("ground", "ground", "ground", 0, {"texture": texture, "phase": phase})
        return SceneGraph((SceneNode("image", "image", "image", None, {}), light, ground))

    scenes = [lit(1.0, 0.1), lit(0.5, 0.1), lit(1.0, 0.0), lit(1.0, 0.1, 0.5)]
    full, half, plain, other = (
        np.asarray(f[Pass.RGB], np.float64) for f in AerialRenderer(64).render(scenes, RGB, 0)
    )
    assert np.abs(half - full / 2).max() <= 0.75
    assert plain.std((0, 1)).max() == 0
    assert (full.std((0, 1)) / plain.mean((0, 1))) == pytest.approx([0.1] * 3, abs=0.02)
    assert np.abs(full - other).mean() > 3


def test_the_contract_is_kept_and_along_pushes_to_the_right() -> None:
    scenes = [
        graph(
            {"yaw": yaw}, ("tree", {"across": 6.0}), ("car", {"along": yaw / 9}), ("house", {"across": -7.0})
        )
        for yaw in (-40.0, 3.0, 30.0)
    ]
    check_renderer(lambda: AerialRenderer(48), scenes, Push("thing_1", "along", 2.0))


def test_class_ids_count_in_the_schema_given() -> None:
    scene = graph({}, ("tree", {"across": 8.0}))
    engine = AerialRenderer(32, classes=("image", "road", "light", "tree"))
    assert set(np.unique(engine.render([scene], ALL_PASSES, 0)[0][Pass.CLASS])) == {0, 2, 4}
    with pytest.raises(InputError, match="no car"):
        engine.render([graph({}, ("car", {}))], ALL_PASSES, 0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"size": 0}, r"renderer\.size: 0"),
        ({"size": [32]}, r"renderer\.size: \[32\]"),
        ({"metres": 0.0}, r"renderer\.metres: 0"),
        ({"metres": float("inf")}, r"renderer\.metres: inf"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], told: str) -> None:
    with pytest.raises(InputError, match=told):
        AerialRenderer(**options)  # type: ignore[arg-type]


def test_unknown_options_are_named() -> None:
    with pytest.raises(InputError, match=r"renderer\.metre: unknown option; expected metres"):
        check_options("aerial", {"metre": 3})


def test_values_beyond_the_engine_are_refused() -> None:
    engine = AerialRenderer((20, 30))
    assert engine.render([graph({})], RGB, 0)[0][Pass.RGB].shape == (20, 30, 3)
    with pytest.raises(InputError, match=r"thing_0\.radius: 0"):
        engine.render([graph({}, ("tree", {"radius": 0.0}))], RGB, 0)
    engine.close()
    with pytest.raises(MetasimError, match="closed"):
        engine.render([graph({})], RGB, 0)
