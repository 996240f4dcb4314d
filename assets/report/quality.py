"""Count what became of the rows read for a report's days, and sum tables with one row per day."""

from sqlalchemy import Table, func, select

from assets.periods import Period
from assets.report.model import Quality, RejectedRow
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG, LOAD_COUNTS, LOG_COUNTS, REJECTED_EVENTS


def count_quality(warehouse: Warehouse, period: Period, examples: int) -> Quality:
    """Return the quality figures of *period*, before filters, with the first *examples* rejected rows."""
    names = ("read", "accepted", "rejected", "duplicate", "no_change", "cleaned", "ambiguous", "unreadable")
    read, accepted, rejected, duplicates, no_change, cleaned, ambiguous, unreadable_days = sum_columns(
        warehouse, LOAD_COUNTS, period, *(f"{name}_count" for name in names)
    )
    log_no_change, repeated, inferred = sum_columns(
        warehouse, LOG_COUNTS, period, "no_change_count", "repeated_count", "inferred_count"
    )
    log = ASSIGNMENT_LOG.c
    unknown = warehouse.query(
        select(func.count()).where(
            log.local_day.between(period.first_day, period.last_day), log.source_quality == "unknown"
        )
    )
    return Quality(
        read=read,
        accepted=accepted - log_no_change - repeated,
        rejected=rejected,
        duplicates=duplicates + repeated,
        no_change=no_change + log_no_change,
        unreadable=_count_unreadable(warehouse, period) if unreadable_days else 0,
        cleaned=cleaned,
        inferred=inferred,
        source_unknown=unknown.column(0)[0].as_py(),
        ambiguous=ambiguous,
        examples=_sample_rejected(warehouse, period, examples) if rejected or unreadable_days else (),
    )


def _sample_rejected(warehouse: Warehouse, period: Period, count: int) -> tuple[RejectedRow, ...]:
    rejected = REJECTED_EVENTS.c
    sample = warehouse.query(
        select(rejected.origin, rejected.row_number, rejected.reason)
        .where(rejected.local_day.between(period.first_day, period.last_day))
        .distinct()
        .order_by(rejected.origin, rejected.row_number, rejected.reason)
        .limit(count)
    )
    return tuple(RejectedRow(**row) for row in sample.to_pylist())


def _count_unreadable(warehouse: Warehouse, period: Period) -> int:
    """Return the number of distinct unreadable inputs; each has a row on every day."""
    rejected = REJECTED_EVENTS.c
    counted = warehouse.query(
        select(func.count(rejected.origin.distinct())).where(
            rejected.local_day.between(period.first_day, period.last_day), rejected.row_number == 0
        )
    )
    return int(counted.column(0)[0].as_py())


def sum_columns(warehouse: Warehouse, table: Table, period: Period, *names: str) -> list[int]:
    """Return the sums of columns *names* of *table* over the days of *period*."""
    columns = (func.coalesce(func.sum(table.c[name]), 0) for name in names)
    statement = select(*columns).where(table.c.local_day.between(period.first_day, period.last_day))
    return [int(column[0].as_py()) for column in warehouse.query(statement).columns]
