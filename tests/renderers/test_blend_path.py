"""The language of data paths, units and the option ``bind``: laws that need no Blender."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.scene.attribute import AttributeSpec
from metasim.scene.schema import SceneSchema, SymbolSpec
from renderers.blender.blend.binding import anchored, read_bind
from renderers.blender.blend.path import KINDS, LONGEST, DataPath, Field, Item
from renderers.blender.blend.units import DIMENSIONS, factor

NAMES = st.text(min_size=1, max_size=20)
FIELDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True).map(Field)
STEPS = st.one_of(FIELDS, NAMES.map(Item), st.integers(0, 999_999_999).map(Item))
PATHS = st.one_of(
    st.builds(
        lambda kind, name, steps, negated: DataPath(kind, (Item(name), *steps), negated),
        st.sampled_from(KINDS),
        NAMES,
        st.lists(STEPS, max_size=6),
        st.booleans(),
    ),
    st.builds(
        lambda root, steps: DataPath(root, tuple(steps)),
        st.sampled_from(["scene", "object"]),
        st.lists(STEPS, max_size=6),
    ),
)
SCHEMA = SceneSchema(
    (
        SymbolSpec("scene", ("scene",)),
        SymbolSpec(
            "mug",
            ("tall", "wide"),
            (
                AttributeSpec("yaw", "deg", 0.0, 360.0, periodic=True, mutable=True),
                AttributeSpec("size", "1", 0.0, 2.0),
            ),
        ),
    )
)
YAW = 'objects["Mug"].rotation_euler[2]'


@given(PATHS)
@example(DataPath("objects", (Item("a\"]\\['b"), Field("x"), Item(0), Item("\n"))))
def test_a_path_is_read_back_as_it_is_spelt(path: DataPath) -> None:
    assert DataPath.parse(str(path), "here") == path


@given(st.one_of(st.text(max_size=60), PATHS.map(str).flatmap(lambda t: st.text(max_size=3).map(t.__add__))))
def test_whatever_else_is_refused_in_one_line(text: str) -> None:
    refused = ""
    try:
        path = DataPath.parse(text, "here")
    except InputError as error:
        refused = str(error)
    else:
        assert DataPath.parse(str(path), "here") == path
    assert len(refused.splitlines()) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "__import__('os').system('true')",
        'objects["Mug"].__class__',
        'objects["Mug"].bl_rna.__doc__',
        'objects["Mug"].evaluated_get(1)',
        'objects["Mug"].location[1+1]',
        'objects["Mug"].location[-1]',
        'objects["Mug"].location[0:2]',
        'objects["Mug"].location [0]',
        'objects["Mug"].x; scene.y',
        'objects["Mug"]\n.location',
        "objects[0].location[0]",
        "objects",
        "bpy.data",
        'texts["evil"].use_module',
        'not not objects["Mug"].hide_render',
        'objects["Mug"]' + ".a" * LONGEST,
    ],
)
def test_what_could_do_more_than_name_a_place_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        DataPath.parse(text, "here")


def test_a_misspelt_start_is_told() -> None:
    with pytest.raises(InputError, match="'objects' perhaps"):
        DataPath.parse('object_s["Mug"].x', "renderer.bind.mug.x")


@given(st.floats(-1e4, 1e4))
def test_units_of_one_dimension_agree(value: float) -> None:
    assert value * factor("deg", "ROTATION", "here") == pytest.approx(math.radians(value))
    assert value * factor("turn", "ROTATION", "here") == pytest.approx(math.radians(360.0 * value))
    assert value * factor("m", "LENGTH", "here") == pytest.approx(
        1000.0 * value * factor("mm", "LENGTH", "h")
    )
    assert value * factor("m", "CAMERA", "here") == pytest.approx(
        1000.0 * value * factor("mm", "CAMERA", "h")
    )


@pytest.mark.parametrize(
    ("unit", "dimension"), [("1", "ROTATION"), ("m", "ROTATION"), ("deg", "LENGTH"), ("deg", "NONE")]
)
def test_a_unit_of_something_else_is_refused(unit: str, dimension: str) -> None:
    with pytest.raises(InputError, match=f"unit {unit}; expected unit {next(iter(DIMENSIONS[dimension]))}"):
        factor(unit, dimension, "here")


@pytest.mark.parametrize("dimension", ["LENGTH", "CAMERA", "POWER", "NONE", "TIME"])
@pytest.mark.parametrize("unit", ["1", "cups"])
def test_bare_numbers_are_taken_as_they_are(unit: str, dimension: str) -> None:
    assert factor(unit, dimension, "here") == 1.0


def test_anchoring_adds_what_the_grammar_says_and_nothing_the_second_time() -> None:
    once = anchored({"mug": 'collections["Mugs"]', "mug.yaw": [YAW, "object.delta_scale[0]"]}, SCHEMA, "r")
    assert once == {
        "mug": {"path": 'collections["Mugs"]', "classes": ["tall", "wide"]},
        "mug.yaw": {"path": [YAW, "object.delta_scale[0]"], "unit": "deg", "range": [0.0, 360.0]},
    }
    assert anchored(once, SCHEMA, "r") == once
    assert read_bind(once, "r")["mug.yaw"].unit == "deg"


@pytest.mark.parametrize(
    ("bind", "message"),
    [
        ({}, "e.yaml: renderer.bind: nothing; expected a path for mug.yaw"),
        ({"mug.yaw": YAW, "mug.yow": YAW}, r"bind.mug.yow: nothing of that name .*'mug.yaw' perhaps"),
        ({"mug.yaw": YAW, "cup": 'objects["Mug"]'}, "bind.cup: nothing of that name in the grammar"),
        ({"mug.yaw": {"path": YAW, "unit": "rad"}}, "bind.mug.yaw: unit rad; expected unit deg"),
        ({"mug.yaw": {"paths": YAW}}, "bind.mug.yaw.paths: unknown key; expected 'path' perhaps"),
        ({"mug.yaw": 3}, "bind.mug.yaw"),
        ({"mug.yaw": []}, "bind.mug.yaw"),
        ({"mug.yaw": 'objects["Mug"]'}, "bind.mug.yaw: .* expected a property of it"),
        ({"mug.yaw": YAW, "mug": YAW}, 'bind.mug: .* expected objects\\["Name"\\]'),
    ],
)
def test_a_binding_that_does_not_fit_the_grammar_is_named(bind: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        anchored(bind, SCHEMA, "e.yaml: renderer")


def test_a_further_node_of_a_symbol_may_go_its_own_way() -> None:
    assert list(anchored({"mug.yaw": YAW, "mug_2.yaw": YAW, "mug_2": 'objects["B"]'}, SCHEMA, "r"))
