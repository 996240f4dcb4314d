"""Work ahead of its use, by a thread: reading and computing release Python's lock."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")


def prefetch(items: Iterator[_Item], count: int = 1) -> Generator[_Item]:
    """Yield *items*, none of which is None; up to *count* following ones are made while one is worked on."""
    with ThreadPoolExecutor(1) as maker:
        following = deque(maker.submit(next, items, None) for _ in range(count))
        while (item := following.popleft().result()) is not None:
            following.append(maker.submit(next, items, None))
            yield item
