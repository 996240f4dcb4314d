"""The query for the log rows of a report."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select

from assets.periods import Period
from assets.warehouse.schema import ASSIGNMENT_LOG


def log_rows(
    period: Period,
    as_of: datetime,
    conditions: Iterable[ColumnElement[bool]] = (),
    *,
    is_newest_first: bool = False,
) -> Select[tuple[object, ...]]:
    """Return the query for the log of *period* before *as_of* where *conditions* hold, in log order."""
    log = ASSIGNMENT_LOG.c
    order = (log.local_day, log.position)
    return (
        select(ASSIGNMENT_LOG)
        .where(
            log.local_day.between(period.first_day, period.last_day),
            log.occurred_at < as_of,
            *conditions,
        )
        .order_by(*(column.desc() for column in order) if is_newest_first else order)
    )
