"""What is made ahead or abreast comes in its order, whole, by other threads."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.threads import ABREAST, abreast, ahead

PATIENCE = 10.0  # seconds


@given(st.integers(0, 20))
def test_items_come_whole_and_in_order(count: int) -> None:
    assert list(ahead(lambda number: number**2, count)) == [number**2 for number in range(count)]


def test_the_next_is_made_while_one_is_used_and_no_other() -> None:
    made = [threading.Event() for _ in range(5)]
    threads = set[int]()

    def make(number: int) -> int:
        threads.add(threading.get_ident())
        made[number].set()
        return number

    for number in ahead(make, 5):
        assert all(event.wait(PATIENCE) for event in made[: number + 2])
        assert not any(event.is_set() for event in made[number + 2 :])
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_what_goes_wrong_in_the_thread_is_raised_where_the_item_is_wanted() -> None:
    items = ahead(lambda number: 1 / (2 - number), 5)
    assert [next(items), next(items)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(items)


@given(st.lists(st.integers()))
def test_parts_keep_their_order(parts: list[int]) -> None:
    assert abreast(lambda part: -part, parts) == [-part for part in parts]


def test_parts_are_worked_on_at_once() -> None:
    together = threading.Barrier(ABREAST, timeout=PATIENCE)
    met = abreast(lambda _: together.wait(), range(2 * ABREAST))  # each one's number among those that meet
    assert sorted(met) == sorted(2 * [*range(ABREAST)])


def test_what_goes_wrong_with_a_part_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        abreast(lambda part: 1 / part, [1, 0])
