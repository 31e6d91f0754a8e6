"""Generators in threads."""

from __future__ import annotations

import threading
from collections.abc import Generator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.dataset.sequences.lanes import Lanes

Pairs = Generator[tuple[int, int], None, None]


def count(job: int, length: int) -> Pairs:
    yield from ((job, number) for number in range(length))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 4))
def test_all_values_come_and_those_of_a_job_in_order(lengths: list[int], lanes: int) -> None:
    given_all = list(Lanes([partial(count, job, n) for job, n in enumerate(lengths)], lanes))
    for job, length in enumerate(lengths):
        assert [number for owner, number in given_all if owner == job] == list(range(length))
    assert len(given_all) == sum(lengths)


def test_jobs_run_at_the_same_time_and_no_more_than_there_are_lanes() -> None:
    both, running, most = threading.Barrier(2, timeout=20), [0], [0]
    lock = threading.Lock()

    def job() -> Generator[int, None, None]:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        both.wait()
        yield 1
        with lock:
            running[0] -= 1

    assert sum(Lanes([job] * 6, 2)) == 6
    assert most[0] == 2


def test_jobs_wait_for_who_takes() -> None:
    made: list[int] = []

    def job() -> Generator[int, None, None]:
        for number in range(100):
            made.append(number)
            yield number

    taken = iter(Lanes([job], 1, ahead=2))
    assert [next(taken) for _ in range(5)] == [0, 1, 2, 3, 4]
    threading.Event().wait(0.5)
    assert len(made) <= 9


def test_an_early_end_closes_the_jobs() -> None:
    closed = threading.Event()

    def job() -> Generator[int, None, None]:
        try:
            yield from iter(int, 1)
        finally:
            closed.set()

    taken = iter(Lanes([job], 1))
    next(taken)
    taken.close()  # type: ignore[attr-defined]
    assert closed.wait(20)


def test_an_error_of_a_job_is_raised() -> None:
    def job() -> Generator[int, None, None]:
        yield 1
        raise ZeroDivisionError("bad luck")

    with pytest.raises(ZeroDivisionError):
        list(Lanes([job], 2))
