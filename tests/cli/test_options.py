"""``--set``: values as YAML, both ways of repeating it, and faults named by their entry."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import tyro
import yaml
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.cli.options import Overrides, parse_overrides

keys = st.from_regex(r"[a-z_]{1,8}(\.[a-z_]{1,8}){0,3}", fullmatch=True)
values = st.one_of(
    st.integers(), st.booleans(), st.text("abcxyz=", min_size=1), st.lists(st.integers(), max_size=3)
)


@dataclass(frozen=True)
class Command:
    overrides: Overrides = ()


@given(st.dictionaries(keys, values, min_size=1), st.booleans())
def test_overrides_survive_the_command_line(overrides: dict[str, object], repeated: bool) -> None:
    entries = [f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in overrides.items()]
    arguments = [word for entry in entries for word in ("--set", entry)] if repeated else ["--set", *entries]
    assert parse_overrides(tyro.cli(Command, args=arguments).overrides) == overrides


@pytest.mark.parametrize("entry", ["seed", "=3", "a.b=[1"])
def test_a_wrong_override_is_named(entry: str) -> None:
    with pytest.raises(InputError, match="--set") as caught:
        parse_overrides([[entry]])
    assert caught.value.where == f"--set {entry}"
