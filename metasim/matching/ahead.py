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
        submitted = (thread.submit(make, number) for number in range(count))
        coming = next(submitted, None)
        while coming is not None:
            item = coming.result()
            coming = next(submitted, None)
            yield item
