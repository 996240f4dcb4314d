"""Blocks in which nothing is stored: what is read once from a warehouse is remembered until they end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import wraps
from threading import get_ident
from typing import Any, Concatenate, ParamSpec, TypeVar

from assets.warehouse.base import Warehouse

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_blocks: dict[tuple[int, int], dict[object, tuple[object, Any]]] = {}
"""What is remembered in the block of a warehouse and a thread, with the arguments that it was read for."""


@contextmanager
def reading(warehouse: Warehouse) -> Iterator[None]:
    """Hold the lock of readers of *warehouse*, once for this block and those of its thread inside of it."""
    block = (id(warehouse), get_ident())
    if block in _blocks:
        yield
        return
    with warehouse.reading():
        _blocks[block] = {}
        try:
            yield
        finally:
            del _blocks[block]


def remembered(
    read: Callable[Concatenate[Warehouse, _Arguments], _Result],
) -> Callable[Concatenate[Warehouse, _Arguments], _Result]:
    """Let *read* read the same of a warehouse only once in a block; nobody may change what it returns."""

    @wraps(read)
    def read_once(
        warehouse: Warehouse, /, *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> _Result:
        known = _blocks.get((id(warehouse), get_ident()))
        if known is None:
            return read(warehouse, *arguments, **named)
        key = (read, *map(_identity, arguments), *named, *map(_identity, named.values()))
        if key not in known:
            known[key] = ((arguments, named), read(warehouse, *arguments, **named))
        result: _Result = known[key][1]
        return result

    return read_once


def _identity(argument: object) -> object:
    """Return what tells *argument* from others: a date or an instant itself, else which object it is."""
    return argument if isinstance(argument, date) else id(argument)
