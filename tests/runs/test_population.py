from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.runs.population import Column, Populations

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(names, unique=True, max_size=4),
    target=st.booleans(),
    inferred=st.booleans(),
    n=st.integers(0, 5),
)
def test_round_trip(
    names: list[str], target: bool, inferred: bool, n: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = stream(0, "values").normal(size=(n, len(names)))
    values[:1] = np.nan
    columns = tuple(Column(name, "deg", -1.0, 2.0 + i, periodic=i % 2 == 0) for i, name in enumerate(names))
    made = Populations(
        columns,
        values,
        values + 1,
        values + 2 if inferred else None,
        values + 3 if target else None,
        told={"prior": values > 0} if target else {},
    )
    path = tmp_path_factory.mktemp("population") / "population.npz"
    made.save(path)
    back = Populations.load(path)
    assert back.columns == made.columns
    assert {name: mask.tolist() for name, mask in back.told.items()} == {
        name: mask.tolist() for name, mask in made.told.items()
    }
    for name in ("prior", "generated", "inferred", "target"):
        here, there = getattr(made, name), getattr(back, name)
        assert (here is None) == (there is None)
        assert here is None or np.array_equal(here, there, equal_nan=True)


def test_a_column_too_few_is_an_error() -> None:
    with pytest.raises(InputError, match=r"population generated.*\(3, 2\)"):
        Populations((Column("a.x", "m", 0, 1),), np.zeros((3, 1)), np.zeros((3, 2)))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"{}"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "population.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"population\.npz"):
        Populations.load(path)
