"""A user's .blend file as a scene: what is bound moves exactly, what is not stays, nothing in it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import pytest
from blend_files import GLOW, make_blend, refusals

from metasim.base.errors import InputError
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.blend.inspect import inspect_blend
from renderers.blender.passes import srgb_bytes

pytestmark = pytest.mark.blender

PASSES = frozenset({Pass.RGB, Pass.HDR, Pass.DEPTH, Pass.INSTANCE, Pass.BOX3D})
SIZE = (24, 48)
YAW = 'objects["Mug"].rotation_euler[2]'
NODES = 'materials["Paint"].node_tree.nodes["Emission"].inputs'
WOOD = 'materials["Wood"].node_tree.nodes["Principled BSDF"].inputs'
BIND: dict[str, Any] = {
    "mug.yaw": {"path": YAW, "unit": "deg", "range": [0, 360]},
    "mug.x": {"path": 'objects["Mug"].location[0]', "unit": "cm", "range": [-300, 300]},
    "mug.tall": 'objects["Mug"].data.shape_keys.key_blocks["Tall"].value',
    "mug.visible": 'not objects["Mug"].hide_render',
    "paint.red": f'{NODES}["Color"].default_value[0]',
    "lamp.energy": {"path": 'lights["Key"].energy', "range": [0, 10]},
    "sky.strength": 'worlds["Sky"].node_tree.nodes["Background"].inputs["Strength"].default_value',
    "lens.length": {"path": 'cameras["Lens"].lens', "unit": "mm", "range": [20, 100]},
    "time.frame": {"path": "scene.frame_current", "unit": "frame", "range": [1, 11]},
    "ball": 'objects["Ball"]',
    "ball.size": 'objects["Ball"]["size"]',
    "car": {"path": 'collections["Cars"]', "classes": ["sedan", "van"]},
    "car.x": "object.location[0]",
    "car.y": "object.location[1]",
}


@pytest.fixture(scope="module")
def blend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_blend(tmp_path_factory.mktemp("blend"))


@pytest.fixture(scope="module")
def pool(blend: Path) -> Iterator[RenderPool]:
    options = {"scene": str(blend), "bind": BIND, "size": SIZE, "samples": 1, "bounces": 0}
    with RenderPool("blender", options, workers=1) as opened:
        yield opened


def graph(*nodes: tuple[str, str, Mapping[str, float]]) -> SceneGraph:
    """A scene of nodes, each a name, a class and attributes."""
    root = SceneNode("scene", "scene", "scene", None, {})
    made = [SceneNode(name, name.split("_")[0], cls, 0, values) for name, cls, values in nodes]
    return SceneGraph((root, *made))


def one(symbol: str, **values: float) -> SceneGraph:
    return graph((symbol, symbol, values))


def shoot(pool: RenderPool, scene: SceneGraph) -> Frame:
    frame = pool.render([scene], PASSES, [0])[0]
    assert isinstance(frame, Frame), frame
    return frame


def values(frame: Frame, name: Pass) -> npt.NDArray[np.float64]:
    return np.asarray(frame[name], np.float64)


def box(frame: Frame, node: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Centre and edge lengths of a node's box."""
    matrix = values(frame, Pass.BOX3D)[node]
    return matrix[:3, 3], np.linalg.norm(matrix[:3, :3], axis=0)


@pytest.mark.parametrize("yaw", [0.0, 30.0, 200.0])
def test_degrees_turn_an_object_that_the_file_turns_by_quaternions(pool: RenderPool, yaw: float) -> None:
    matrix = values(shoot(pool, one("mug", yaw=yaw, x=50.0)), Pass.BOX3D)[1]
    angle = np.deg2rad(yaw)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    assert np.abs(matrix[:3, :3] - turn @ np.diag([2.0, 1.0, 1.0])).max() < 1e-4
    assert np.abs(matrix[:3, 3] - [0.5, 0.0, 0.0]).max() < 1e-5


def test_the_bound_object_has_the_nodes_id(pool: RenderPool) -> None:
    frame = shoot(pool, graph(("lamp", "lamp", {"energy": 1.0}), ("mug", "mug", {"x": 0.0})))
    ids, depth = frame[Pass.INSTANCE], values(frame, Pass.DEPTH)
    assert set(np.unique(ids)) == {0, 3}
    top = np.abs(depth - 9.5) < 1e-4
    assert top.sum() > 20
    assert (ids[top] == 3).all()


def test_a_material_is_scene_linear_in_and_srgb_out(pool: RenderPool) -> None:
    frame = shoot(pool, graph(("paint", "paint", {"red": 0.2140411}), ("mug", "mug", {})))
    middle = (12, 24)
    assert values(frame, Pass.HDR)[middle] == pytest.approx((0.2140411, *GLOW[1:3]), abs=1e-6)
    assert frame[Pass.RGB][middle].tolist() == srgb_bytes((0.2140411, *GLOW[1:3])).tolist()
    assert frame[Pass.RGB][middle][0] == 127


def test_the_lamp_lights_in_proportion(pool: RenderPool) -> None:
    dim, bright = (values(shoot(pool, one("lamp", energy=e)), Pass.HDR)[3, 30] for e in (0.5, 2.0))
    assert (dim > 0.01).all()
    assert bright == pytest.approx(4.0 * dim, rel=1e-5)


def test_a_shape_key_raises_the_top(pool: RenderPool) -> None:
    for tall in (0.0, 0.5, 1.0):
        depth = values(shoot(pool, one("mug", tall=tall)), Pass.DEPTH)
        assert depth[12, 24] == pytest.approx(9.5 - tall, abs=1e-5)


def test_the_sky_the_lens_and_a_switch(pool: RenderPool) -> None:
    hidden = shoot(pool, graph(("mug", "mug", {"visible": 0.0}), ("lens", "lens", {"length": 20.0})))
    assert not hidden[Pass.INSTANCE].any()
    assert values(hidden, Pass.DEPTH)[12, 24] == pytest.approx(11.0, abs=1e-5)
    assert hidden.camera is not None
    assert hidden.camera.intrinsics[0, 0] == pytest.approx(20.0 / 36.0 * SIZE[1])
    sky = shoot(pool, graph(("sky", "sky", {"strength": 0.5}), ("lens", "lens", {"length": 20.0})))
    beyond = np.isposinf(values(sky, Pass.DEPTH))
    assert beyond.any()
    assert np.abs(values(sky, Pass.HDR)[beyond] - 0.5 * np.array(GLOW[:3])).max() < 1e-6


@pytest.mark.parametrize("frame", [1.0, 3.0, 8.5])
def test_the_timeline_moves_what_is_keyed(pool: RenderPool, frame: float) -> None:
    shot = shoot(pool, graph(("time", "time", {"frame": frame}), ("ball", "ball", {"size": 1.5})))
    centre, edges = box(shot, 2)
    assert centre == pytest.approx((-2.0 + 0.4 * (frame - 1.0), -2.0, 0.0), abs=1e-5)
    assert edges == pytest.approx((0.5, 0.5, 0.75), abs=1e-5)  # by a driver that is no script


def test_a_class_chooses_an_object_and_two_nodes_of_one_class_get_two(pool: RenderPool) -> None:
    scene = graph(
        ("car", "van", {"x": -2.0, "y": 1.5}),
        ("car_2", "sedan", {"x": 0.0, "y": 1.5}),
        ("car_3", "van", {"x": 2.0, "y": 1.5}),
    )
    frame = shoot(pool, scene)
    for node, (x, edges) in enumerate([(-2, (0.5, 1, 1)), (0, (1, 0.5, 0.5)), (2, (0.5, 1, 1))], start=1):
        centre, found = box(frame, node)
        assert centre == pytest.approx((x, 1.5, 0.0), abs=1e-5)
        assert found == pytest.approx(edges, abs=1e-5)
    assert set(np.unique(frame[Pass.INSTANCE])) == {0, 2, 3, 4}
    alone = shoot(pool, graph(("car", "sedan", {"x": 2.0})))
    assert set(np.unique(alone[Pass.INSTANCE])) == {0, 2}
    assert values(alone, Pass.DEPTH).min() == pytest.approx(9.75, abs=1e-5)


def test_a_frame_does_not_depend_on_those_before(blend: Path, pool: RenderPool) -> None:
    plain = one("lamp", energy=1.0)
    others = [
        one("mug", yaw=77.0, x=100.0, tall=1.0, visible=0.0),
        graph(("time", "time", {"frame": 7.0}), ("paint", "paint", {"red": 0.9})),
        graph(("car", "van", {"x": 1.0}), ("car_2", "van", {"x": 2.0}), ("car_3", "van", {"y": 2.0})),
        graph(("sky", "sky", {"strength": 2.0}), ("lens", "lens", {"length": 80.0})),
    ]
    after = [shoot(pool, scene) for scene in (*others, plain)][-1]
    with RenderPool(
        "blender",
        {"scene": str(blend), "bind": BIND, "size": SIZE, "samples": 1, "bounces": 0},
        workers=1,
    ) as fresh:
        first = shoot(fresh, plain)
    for name in PASSES:
        assert first[name].tobytes() == after[name].tobytes(), name


def test_nothing_in_the_file_runs_and_what_is_wrong_is_told(blend: Path, pool: RenderPool) -> None:
    shoot(pool, one("time", frame=5.0))  # which evaluates all drivers
    assert not (blend.parent / "script.txt").exists()
    told = "; ".join(pool.capabilities.notes)
    for part in (
        "linked library //library.blend",
        "missing texture planks",
        "script evil.py",
        "driver of Floor",
    ):
        assert part in told


def test_memory_stays_flat_as_classes_change(blend: Path) -> None:
    """The benchmark of rendering watches 3,000 frames."""
    held: list[int] = []
    scenes = [graph(("car", ("sedan", "van")[i % 2], {"x": 0.001 * i})) for i in range(1000)]
    options = {"scene": str(blend), "bind": BIND, "size": 8, "samples": 1, "bounces": 0}
    before = set(psutil.Process().children())
    with RenderPool("blender", options, workers=1) as opened:
        for done, (_, frame) in enumerate(opened.stream(scenes, frozenset({Pass.RGB}), range(1000)), start=1):
            assert isinstance(frame, Frame), frame
            if done in (300, 1000):
                (worker,) = set(psutil.Process().children()) - before
                held.append(worker.memory_info().rss)
        assert opened.counters.recycled == 0
    assert held[1] < 1.05 * held[0]


def test_all_that_can_be_bound_is_listed_as_it_stands_and_nothing_runs(blend: Path, tmp_path: Path) -> None:
    found = inspect_blend(blend)
    values = {item.path: item.value for item in found.bindable}
    units = {item.path: item.unit for item in found.bindable}
    as_it_stands = {
        YAW: 0.0,
        'objects["Mug"].data.shape_keys.key_blocks["Tall"].value': 0.0,
        'not objects["Mug"].hide_render': 1.0,
        'objects["Ball"]["size"]': 1.0,
        'lights["Key"].energy': 1.0,
        f'{NODES}["Color"].default_value[1]': GLOW[1],
        f'{WOOD}["Specular IOR Level"].default_value': 0.0,
        BIND["sky.strength"]: 0.0,
        'cameras["Lens"].lens': 36.0,
        'objects["Camera"].location[2]': 10.0,
        "scene.frame_current": 1.0,
    }
    assert {path: values.get(path) for path in as_it_stands} == pytest.approx(as_it_stands)
    assert (units[YAW], units['cameras["Lens"].lens'], units['lights["Key"].energy']) == ("deg", "mm", "1")
    assert f'{WOOD}["Sheen Tint"].default_value[0]' not in values  # which another node feeds
    assert found.choices == {'collections["Cars"]': ("sedan", "van")}
    told = "; ".join(found.notes)
    for part in ("library //library.blend", "texture planks", "script evil.py", "driver of Floor"):
        assert part in told
    assert not (blend.parent / "script.txt").exists()
    everything = {f"thing.a_{i}": {"path": path, "unit": units[path]} for i, path in enumerate(values)}
    assert refusals(blend, [everything], tmp_path) == ["nothing"]


def test_nodes_of_a_symbol_take_the_objects_of_a_list_in_order(blend: Path) -> None:
    bind = {
        "slab": ['objects["Linked"]', 'objects["Floor"]', 'objects["van"]'],
        "slab.x": "object.location[0]",
        "mug.x": 'objects["Mug"].location[0]',
        "mug_2.x": 'objects["Ball"].location[0]',
        "thief.x": 'objects["Mug"].location[0]',
    }
    options = {"scene": str(blend), "bind": bind, "size": SIZE, "samples": 1}
    slabs = [(name, "slab", {"x": x}) for name, x in (("slab", 0.5), ("slab_2", 0.1), ("slab_3", -1.0))]
    mugs = [("mug", "mug", {"x": 1.0}), ("mug_2", "mug", {"x": -0.5})]
    with RenderPool("blender", options, workers=1) as pool:
        frame = shoot(pool, graph(*slabs, *mugs))
        assert [box(frame, node)[0][0] for node in range(1, 6)] == pytest.approx([0.5, 0.1, -1, 1, -0.5])
        assert box(frame, 2)[1] == pytest.approx([7.0, 7.0, 0.2])
        with pytest.raises(InputError, match=r"renderer.bind.slab: 4 nodes for 3 objects"):
            shoot(pool, graph(*slabs, ("slab_4", "slab", {"x": 0.0})))
        with pytest.raises(InputError, match=r"renderer.bind.thief.x: .* which mug moves too"):
            shoot(pool, graph(*mugs, ("thief", "thief", {"x": 0.0})))


def test_an_object_of_the_wrong_class_is_named(pool: RenderPool) -> None:
    with pytest.raises(InputError, match="node car: class sedn; expected 'sedan' perhaps"):
        shoot(pool, graph(("car", "sedn", {})))


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"mug.yaw": 'objects["Mgu"].location[2]'},
        r'no such thing; expected objects\["Mug"\].location\[2\]',
    ),
    ({"mug.yaw": 'objects["Mug"].lcation[2]'}, r'expected objects\["Mug"\].location\[2\]'),
    ({"mug.yaw": 'objects["Mug"].location[3]'}, r'expected objects\["Mug"\].location\[2\]'),
    ({"mug.yaw": 'objects["Mug"].location'}, r'3 numbers; expected objects\["Mug"\].location\[0\]'),
    ({"lamp.e": 'lights["Lamp"].energy'}, r'expected lights\["Key"\].energy'),
    ({"mug.yaw": 'objects["Mug"].rotation_euler[2]'}, "unit 1; expected unit deg or rad"),
    ({"paint.red": f'{NODES}["Colour"].default_value[0]'}, r'inputs\["Color"\].default_value\[0\]'),
    ({"mug.name": 'objects["Mug"].name'}, "no such thing; expected"),
    ({"mug.m": 'objects["Mug"].matrix_world[0]'}, "matrix_world is a matrix"),
    ({"car.x": "object.location[0]"}, "no object stands for this node"),
    ({"lens.mm": {"path": 'cameras["Lens"].lens', "range": [0.1, 50]}}, "0.1, where Blender holds 1;"),
    ({"car": {"path": 'collections["Cars"]', "classes": ["sedan", "vam"]}}, "'vam' .* 'van' perhaps"),
    ({"mug.size": 'objects["Ball"]["sise"]'}, r'expected objects\["Ball"\]\["size"\]'),
    (
        {"wood.tint": f'{WOOD}["Sheen Tint"].default_value[0]'},
        "no effect, since another node feeds this input",
    ),
]


def test_a_path_that_leads_nowhere_is_refused_with_the_closest_that_exists(
    blend: Path, tmp_path: Path
) -> None:
    told = refusals(blend, [bind for bind, _ in REFUSED], tmp_path)
    for (bind, message), line in zip(REFUSED, told, strict=True):
        assert re.search(message, line), line
        assert line.startswith(f"renderer.bind.{next(iter(bind))}: ")
        assert len(line.splitlines()) == 1


def test_it_is_refused_before_the_first_render(blend: Path) -> None:
    options = {"scene": str(blend), "bind": REFUSED[0][0]}
    with (
        RenderPool("blender", options, workers=1) as refused,
        pytest.raises(InputError, match=REFUSED[0][1]),
    ):
        _ = refused.capabilities
    assert refused.counters.frames == 0


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.blend").write_bytes(b"BLENDER but no more")
    with (
        RenderPool("blender", {"scene": str(tmp_path / "empty.blend")}, workers=1) as refused,
        pytest.raises(InputError, match=r"^renderer\.scene: "),
    ):
        _ = refused.capabilities
