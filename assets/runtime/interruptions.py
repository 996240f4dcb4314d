"""Work that is finished before an interruption is raised: a canceled run stores what it has made."""

from collections.abc import Callable, Generator
from typing import TypeVar

_Item = TypeVar("_Item")


def call_with_each(items: Generator[_Item, None, None], work: Callable[[_Item], None]) -> None:
    """Call *work* with each of *items*.

    If it is interrupted, the call is repeated, so *work* must be repeatable. The interruption is thrown into
    *items*; *work* is called with each item that the generator still yields, until it raises the
    interruption.
    """
    is_interrupted = False
    item = next(items, None)
    while item is not None:
        current = item
        try:
            work(current)
            item = next(items, None)
        except BaseException as error:
            if is_interrupted:
                raise
            is_interrupted = True
            work(current)
            item = items.throw(error)
