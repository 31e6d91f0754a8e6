"""Ahead: a second core prepares the next batch while the network learns from the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(make: Callable[[int], Item], count: int) -> Iterator[Item]:
    """Yields ``make(0)`` to ``make(count - 1)``, each made by another thread while the one before is used.

    Args:
        make: Makes an item of its number alone; it may not use what changes between two items.
        count: How many.
    """
    with ThreadPoolExecutor(1) as thread:
        coming = [thread.submit(make, number) for number in range(min(count, 1))]
        for number in range(1, count + 1):
            item = coming.pop().result()
            if number < count:
                coming.append(thread.submit(make, number))
            yield item
