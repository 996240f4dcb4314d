"""The days that a query can read, found in its conditions: of a long history, only their files are opened."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    ClauseElement,
    ColumnElement,
    Executable,
    Select,
    Table,
)
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BooleanClauseList, TextClause
from sqlalchemy.sql.selectable import Alias, FromClause, Join

from assets.warehouse.schema import METADATA

_DAY = timedelta(days=1)
_MAX_DAYS = 400
"""The number of days from which on naming each file costs as much as finding all."""


def asked_days(statement: Executable) -> dict[str, list[date] | None]:
    """Return each table that *statement* reads, with its days in order, or None for all days.

    It is all days unless each use of the table has conditions on `local_day` that bound it on both sides.
    """
    elements = list(visitors.iterate(statement)) if isinstance(statement, ClauseElement) else []
    if not elements or any(isinstance(element, TextClause) for element in elements):
        return dict.fromkeys(METADATA.tables)
    days: dict[str, frozenset[date] | None] = {}
    for select in elements:
        if isinstance(select, Select):
            for table, source in _tables_of(select.get_children()):
                before, more = days.get(table.name, frozenset()), _bounded_days(select.whereclause, source)
                days[table.name] = None if before is None or more is None else before | more
    return {name: None if each is None else sorted(each) for name, each in days.items()}


def _tables_of(sources: Iterable[ClauseElement]) -> Iterator[tuple[Table, FromClause]]:
    """Yield each table among *sources*, and the alias by which it is read."""
    for source in sources:
        match source:
            case Join():
                yield from _tables_of((source.left, source.right))
            case Alias(element=Table() as table):
                yield table, source
            case Table():
                yield source, source


def _bounded_days(where: ColumnElement[bool] | None, source: FromClause) -> frozenset[date] | None:
    """Return the days of *source* that *where* allows, or None where they are not bounded, or too many."""
    first, last = date.min, date.max
    for condition in _all_of(where):
        if isinstance(condition, BinaryExpression) and condition.left is source.c.get("local_day"):
            low, high = _span_of(condition.operator, _values_of(condition.right))
            first, last = max(first, low), min(last, high)
    if first == date.min or last == date.max or (last - first).days >= _MAX_DAYS:
        return None
    return frozenset(first + number * _DAY for number in range((last - first).days + 1))


def _span_of(operator: object, values: list[Any]) -> tuple[date, date]:
    """Return the first and the last day that can meet a comparison with *values*."""
    match operator, values:
        case (operators.between_op, [date() as low, date() as high]):
            return low, high
        case (operators.in_op, [[date() as day, *days]]):
            return min((day, *days)), max((day, *days))
        case (operators.eq, [date() as day]):
            return day, day
        case (operators.ge | operators.gt, [date() as day]):
            return day, date.max
        case (operators.le | operators.lt, [date() as day]):
            return date.min, day
    return date.min, date.max


def _all_of(where: ColumnElement[bool] | None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that must all be met."""
    if isinstance(where, BooleanClauseList) and where.operator is operators.and_:
        for clause in where.clauses:
            yield from _all_of(clause)
    elif where is not None:
        yield where


def _values_of(operand: Any) -> list[Any]:
    """Return the values of an operand, or an empty list where it is not made of values only."""
    clauses = getattr(operand, "clauses", [operand])
    return [each.value for each in clauses] if all(isinstance(e, BindParameter) for e in clauses) else []
