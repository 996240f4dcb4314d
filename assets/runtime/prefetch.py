"""Prefetching of an iterator's items in a thread: reading and computing release Python's lock."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")


def prefetch(items: Iterator[_Item], count: int = 1) -> Generator[_Item]:
    """Yield *items*, none of which is None; up to *count* next ones are produced while one is processed."""
    with ThreadPoolExecutor(1) as pool:
        pending = deque(pool.submit(next, items, None) for _ in range(count))
        while (item := pending.popleft().result()) is not None:
            pending.append(pool.submit(next, items, None))
            yield item
