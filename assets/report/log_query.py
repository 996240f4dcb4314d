"""The log rows of a report: the query for them, and reading many."""

from collections.abc import Collection, Iterable
from datetime import datetime

import pyarrow as pa
from sqlalchemy import ColumnElement, Select, select

from assets.periods import Period
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG

_SORTED_AT_ONCE = 500_000
ALL = frozenset(column.name for column in ASSIGNMENT_LOG.c)
COUNTED = ALL - {
    "position",
    "event_id",
    "origin",
    "time_quality",
    "source_quality",
    "action",
    "held_since",
    "held_since_day",
    "held_since_position",
}
"""The columns that figures and the printed log need; the others are two fifths of the memory."""


def log_rows(
    period: Period,
    as_of: datetime,
    conditions: Iterable[ColumnElement[bool]] = (),
    *,
    is_newest_first: bool = False,
    columns: Collection[str] = ALL,
) -> Select[tuple[object, ...]]:
    """Return the query for the log of *period* before *as_of* where *conditions* hold, in log order.

    It has the *columns* in the order of the log's.
    """
    log = ASSIGNMENT_LOG.c
    order = (log.local_day, log.position)
    return (
        select(*(column for column in log if column.name in columns))
        .where(
            log.local_day.between(period.first_day, period.last_day),
            log.occurred_at < as_of,
            *conditions,
        )
        .order_by(*(column.desc() for column in order) if is_newest_first else order)
    )


def read_log_rows(  # noqa: PLR0913 - the query, and how much it gives
    warehouse: Warehouse,
    period: Period,
    as_of: datetime,
    conditions: Collection[ColumnElement[bool]],
    columns: Collection[str],
    *,
    expected: int,
) -> pa.Table:
    """Return the rows of `log_rows`, of which about so many are *expected*.

    Many are read some days at a time: a database that sorts them all keeps a copy of each in memory.
    """
    days = period.days
    length = max(1, len(days) * _SORTED_AT_ONCE // max(1, expected))
    parts = (days[first : first + length] for first in range(0, len(days), length))
    spans = [Period(part[0], part[-1], period.zone) for part in parts] or [period]
    return pa.concat_tables(
        [warehouse.query(log_rows(span, as_of, conditions, columns=columns)) for span in spans]
    )
