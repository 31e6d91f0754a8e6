"""The Unity project under mono: what a command line says, and which numbers of a component can be bound."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conversation import Conversation
from hypothesis import given, settings
from hypothesis import strategies as st

Speak = Callable[[str], Conversation]
COMMAND = "player --mlagents-port 5005 -batchmode -logFile -"


def options(converse: Speak, *more: str) -> str:
    return converse("options").ask("\n".join([*COMMAND.split(), *more]).encode()).decode()


def member(converse: Speak, line: str) -> str:
    return converse("member").ask(line.encode()).decode()


def test_a_command_line_without_options_keeps_those_of_the_inspector(converse: Speak) -> None:
    assert options(converse) == "64 64 16 rgb,instance,depth,normal"


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(1, 8192),
    width=st.integers(1, 8192),
    slots=st.integers(1, 256),
    passes=st.lists(st.sampled_from(["rgb", "instance", "depth", "normal"]), min_size=1, unique=True),
)
def test_a_command_line_is_read(
    converse: Speak, height: int, width: int, slots: int, passes: list[str]
) -> None:
    named = ",".join(passes)
    more = ["--metasim-size", f"{height}x{width}", "--metasim-slots", str(slots), "--metasim-passes", named]
    assert options(converse, *more) == f"{height} {width} {slots} {named}"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--metasim-size", "64"),
        ("--metasim-size", "64x"),
        ("--metasim-size", "0x64"),
        ("--metasim-size", "64x64x3"),
        ("--metasim-slots", "-1"),
        ("--metasim-slots", "many"),
        ("--metasim-passes", "rgb,heat"),
        ("--metasim-passes", ""),
    ],
)
def test_a_wrong_option_is_named(converse: Speak, option: str, value: str) -> None:
    assert options(converse, option, value).startswith("refused: ")


@settings(max_examples=30, deadline=None)
@given(
    path=st.sampled_from(["intensity", "position.x", "position.y", "material.colour.x", "material.depth"]),
    value=st.floats(-1e6, 1e6, width=32),
)
def test_a_number_is_written_where_its_path_leads(converse: Speak, path: str, value: float) -> None:
    assert float(member(converse, f"{path} {value!r}")) == value


@pytest.mark.parametrize(
    ("line", "read"), [("count 2.6", 3), ("count -3", -3), ("shown 0.4", 0), ("shown 1", 1)]
)
def test_whole_numbers_round_and_truths_have_a_threshold(converse: Speak, line: str, read: float) -> None:
    assert float(member(converse, line)) == read


@pytest.mark.parametrize(
    "path",
    ["brightness", "position", "position.w", "position.z", "position.Sum", "origin.x", "Least", "label", ""],
)
def test_what_is_no_number_to_write_is_refused(converse: Speak, path: str) -> None:
    assert member(converse, f"{path} 1").startswith("refused: ")


def test_the_numbers_that_are_offered_can_be_written(converse: Speak) -> None:
    offered = member(converse, "").split()
    assert offered == ["count", "intensity", "position.x", "position.y", "shown"]
    for path in offered:
        assert float(member(converse, f"{path} 1")) == 1
