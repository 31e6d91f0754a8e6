"""Threads: work for a second core, while array operations leave the interpreter to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Part = TypeVar("Part")

ABREAST = 2  # torch and BLAS take half of the cores each time


def ahead(make: Callable[[int], Item], count: int) -> Iterator[Item]:
    """Yields ``make(0)`` to ``make(count - 1)``, each made by another thread while the one before is used.

    Args:
        make: Makes an item of its number alone; it may not use what changes between two items.
        count: How many.
    """
    with ThreadPoolExecutor(1) as thread:
        submitted = (thread.submit(make, number) for number in range(count))
        coming = next(submitted, None)
        while coming is not None:
            item = coming.result()
            coming = next(submitted, None)
            yield item


def abreast(work: Callable[[Part], Item], parts: Iterable[Part]) -> list[Item]:
    """What becomes of each part, in their order, two at a time.

    Args:
        work: Done to a part; torch's ``no_grad`` does not reach it from without.
        parts: Of which none may need another.
    """
    with ThreadPoolExecutor(ABREAST) as threads:
        return list(threads.map(work, parts))
