"""The query for the log rows of a report."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select

from assets.periods import Period
from assets.warehouse.schema import ASSIGNMENT_LOG

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
