"""Which frames make a sequence."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.dataset.sequences.timeline import divide, longest, sequence_id

TIMELINES = st.tuples(st.integers(0, 100), st.integers(1, 700)).map(lambda t: (t[0], t[0] + t[1]))
MULTIPLIERS = st.sampled_from([1.0, 2.0, 2.5, 0.5, 4.0])
MANY = st.integers(1, 12)


@given(TIMELINES, MULTIPLIERS, MANY)
def test_sequences_are_disjoint_of_one_length_and_on_the_timeline(
    span: tuple[int, int], multiplier: float, many: int
) -> None:
    assume((most := longest(*span, multiplier, many)) >= 1)
    cut = divide(*span, multiplier, many, most, "a")
    assert [len(frames) for frames in cut] == [most] * many
    assert all(one.stop <= other.start for one, other in itertools.pairwise(cut))
    assert cut[0].start >= span[0] * multiplier
    assert cut[-1].stop - 1 <= span[1] * multiplier


@given(TIMELINES, MULTIPLIERS, MANY)
def test_a_frame_more_than_fits_is_refused(span: tuple[int, int], multiplier: float, many: int) -> None:
    most = longest(*span, multiplier, many)
    with pytest.raises(InputError, match="num-frames"):
        divide(*span, multiplier, many, most + 1, "a")


@given(TIMELINES, MANY)
def test_twice_as_slow_is_twice_as_many(span: tuple[int, int], many: int) -> None:
    once, twice = longest(*span, 1.0, many), longest(*span, 2.0, many)
    assert abs(twice - 2 * once) <= 2


def test_starts_and_names_are_those_of_visionsim() -> None:
    cut = divide(1, 600, 1.0, 4, 100, "a")
    assert [frames.start for frames in cut] == [1, 150, 300, 450]
    assert [sequence_id(frames, 1.0) for frames in cut][:2] == ["001-00001-00101", "001-00150-00250"]
    assert sequence_id(range(2, 202), 2.0) == "002-00002-00202"
    assert sequence_id(range(3, 5), 2.5) == "2.5-00003-00005"


def test_the_whole_timeline_is_one_sequence() -> None:
    assert divide(1, 250, 1.0, 1, longest(1, 250, 1.0, 1), "a") == (range(1, 251),)
