"""Batches that a thread prepares while the one before is computed on."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], *, depth: int) -> Iterator[T]:
    """Give the items in their order, so many of them made in advance; 0: each when it is asked for.

    What making one raises is raised in its turn.
    """
    if depth < 1:
        yield from items
        return
    end = object()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as thread:
        waiting = deque(thread.submit(next, items, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(thread.submit(next, items, end))
            yield item  # type: ignore[misc]
