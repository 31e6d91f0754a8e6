"""Scenes whose objects fall until they rest: on a table, on furniture in a room."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import trimesh
from PIL import Image

from metasim.base.streams import stream
from metasim.cli import main
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.settled.furniture import FURNITURE, top

pytestmark = pytest.mark.blender

HERE = Path(__file__).parents[2]
LABELS = frozenset({Pass.INSTANCE, Pass.BOX3D})
SLACK = 0.004
"""Metres by which what rests may be off: twice the margin of the physics, and its last tremble."""

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cuboids, so that the box of an object is the object."""
    folder = tmp_path_factory.mktemp("blocks") / "block"
    folder.mkdir()
    for i, size in enumerate([(1, 2, 3), (2, 2, 1), (1, 1, 1)]):
        trimesh.creation.box(size).export(folder / f"{i}.stl")
    return folder.parent


@pytest.fixture(scope="module")
def clutter(blocks: Path) -> Iterator[RenderPool]:
    options = {"scene": "clutter", "assets": blocks, "size": 32, "length": 0.2}
    with RenderPool("blender", options, workers=1) as pool:
        yield pool


@pytest.fixture(scope="module")
def room(blocks: Path) -> Iterator[RenderPool]:
    with RenderPool(
        "blender", {"scene": "room", "assets": blocks, "size": 64, "length": 0.2}, workers=1
    ) as pool:
        yield pool


def block(rng: np.random.Generator, number: int, parent: int, spread: float) -> SceneNode:
    places = {name: rng.uniform(1.0 - spread, 1.0 + spread) for name in ("loc_x", "loc_z")}
    turns = {name: rng.uniform(-60.0, 60.0) for name in ("yaw", "pitch", "roll")}
    asset = {"asset": rng.uniform(0.0, 3.0)}
    return SceneNode(f"object_{number}", "object", "block", parent, places | turns | asset)


def heap(seed: int, num: int = 9) -> SceneGraph:
    rng = stream(seed, "heap")
    nodes = [SceneNode("image", "image", "image", None, {}), SceneNode("table", "table", "table", 0, {})]
    return SceneGraph((*nodes, *(block(rng, i, 0, 1.0) for i in range(num))))


def furnished(seed: int) -> SceneGraph:
    rng = stream(seed, "room")
    nodes = [SceneNode("image", "image", "image", None, {}), SceneNode("room", "room", "room", 0, {})]
    places = {"table": (0.3, -0.3, 20.0), "shelf": (-0.4, 2.2, 0.0), "cabinet": (-2.1, 0.5, 90.0)}
    for cls, place in places.items():
        nodes.append(SceneNode(cls, cls, cls, 1, dict(zip(("x", "y", "yaw"), place, strict=True))))
    return SceneGraph((*nodes, *(block(rng, i, 2 + i % 3, 0.3) for i in range(6))))


def shoot(pool: RenderPool, *graphs: SceneGraph, passes: frozenset[Pass] = LABELS) -> list[Frame]:
    frames = pool.submit(graphs, passes, 0).result()
    assert all(isinstance(frame, Frame) for frame in frames), frames
    return [frame for frame in frames if isinstance(frame, Frame)]


def boxes(graph: SceneGraph, frame: Frame) -> dict[str, Floats]:
    found = np.asarray(frame[Pass.BOX3D], dtype=np.float64)
    return {node.name: found[graph.index(node.name)] for node in graph.of_symbol("object")}


def lowest(box: Floats) -> float:
    return float(box[2, 3] - np.abs(box[2, :3]).sum() / 2.0)


def depth(first: Floats, second: Floats) -> float:
    """How deep two cuboids lie in each other, by their separating axes; below 0 where they are apart."""
    axes = [*first[:3, :3].T, *second[:3, :3].T]
    axes += [np.cross(a, b) for a, b in product(axes[:3], axes[3:])]
    overlaps = []
    for axis in axes:
        length = np.linalg.norm(axis)
        if length > 1e-9:
            reach = sum(np.abs(axis @ box[:3, :3]).sum() / 2.0 for box in (first, second))
            overlaps.append((reach - abs(axis @ (first[:3, 3] - second[:3, 3]))) / length)
    return min(overlaps)


def test_settled_objects_lie_on_something_and_in_nothing(clutter: RenderPool) -> None:
    graphs = [heap(seed) for seed in range(4)]
    leaning = 0
    for graph, frame in zip(graphs, shoot(clutter, *graphs), strict=True):
        found = list(boxes(graph, frame).values())
        assert all(lowest(box) > -SLACK for box in found)
        assert all(depth(a, b) < SLACK for a, b in combinations(found, 2))
        for i, box in enumerate(found):
            touching = any(depth(box, other) > -SLACK for j, other in enumerate(found) if j != i)
            assert lowest(box) < SLACK or touching
            leaning += lowest(box) > 5 * SLACK
    assert leaning > 0


def test_equal_scenes_settle_equally_whatever_came_before(clutter: RenderPool) -> None:
    first, *_, again = shoot(clutter, heap(1), heap(2), heap(3, num=3), heap(1))
    np.testing.assert_array_equal(first[Pass.BOX3D], again[Pass.BOX3D])
    np.testing.assert_array_equal(first[Pass.INSTANCE], again[Pass.INSTANCE])


def test_objects_rest_on_their_furniture_or_have_fallen_from_it(room: RenderPool) -> None:
    graphs = [furnished(seed) for seed in range(3)]
    kept = 0
    for graph, frame in zip(graphs, shoot(room, *graphs), strict=True):
        for name, box in boxes(graph, frame).items():
            height = top(graph.nodes[graph.by_name[name].parent or 0].cls)
            assert lowest(box) > -SLACK
            kept += abs(lowest(box) - height) < SLACK
        assert {graph.index(name) + 1 for name in ("room", *FURNITURE)} <= set(
            np.unique(frame[Pass.INSTANCE])
        )
    assert kept >= 9


def test_furniture_stands_where_the_graph_says(room: RenderPool) -> None:
    graph = furnished(0)
    (frame,) = shoot(room, graph)
    for cls in FURNITURE:
        box = np.asarray(frame[Pass.BOX3D], dtype=np.float64)[graph.index(cls)]
        place = graph.by_name[cls].attributes
        np.testing.assert_allclose(box[:2, 3], [place["x"], place["y"]], atol=1e-5)
        assert lowest(box) == pytest.approx(0.0, abs=1e-5)
        assert 2.0 * box[2, 3] == pytest.approx(max(high[2] for _, high in FURNITURE[cls]), abs=1e-5)


@pytest.mark.parametrize("name", ["single", "clutter", "room"])
def test_the_experiments_of_objects_draw_and_render(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["own_objects.py", str(tmp_path / "assets")])
    runpy.run_path(str(HERE / "scripts/own_objects.py"), run_name="__main__")
    text = (HERE / f"experiments/objects/{name}.yaml").read_text()
    text = text.replace("../../data/objects", str(tmp_path / "assets")).replace(
        "blender,", "blender, workers: 1,"
    )
    (tmp_path / "experiment.yaml").write_text(text.replace("../grammars", str(HERE / "experiments/grammars")))
    for which, more in (("_target", []), ("", ["--render", "--renderer", str(tmp_path / "experiment.yaml")])):
        grammar = HERE / f"experiments/grammars/objects/{name}{which}.yaml"
        out = tmp_path / f"look{which}"
        assert main(["sample", "--grammar", str(grammar), "--num", "2", "--out", str(out), *more]) == 0
    pictures = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "look").glob("*.png"))]
    assert len(pictures) == 2
    assert (pictures[0] != pictures[1]).any()
