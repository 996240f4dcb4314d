"""What became of the rows read for a report's days, and sums over the tables that have one row a day."""

from sqlalchemy import Table, func, select

from assets.periods import Period
from assets.report.model import Quality, RejectedRow
from assets.warehouse.schema import ASSIGNMENT_LOG, LOAD_COUNTS, LOG_COUNTS, REJECTED_EVENTS
from assets.warehouse.warehouse import Warehouse


def count_quality(warehouse: Warehouse, period: Period, examples: int) -> Quality:
    """Return the figures of the days of *period* before filters, with the first *examples* rejected rows."""
    read, accepted, rejected, duplicates, no_change, cleaned = sums(
        warehouse,
        LOAD_COUNTS,
        period,
        *(f"{name}_count" for name in ("read", "accepted", "rejected", "duplicate", "no_change", "cleaned")),
    )
    found_no_change, repeated, inferred = sums(
        warehouse, LOG_COUNTS, period, "no_change_count", "repeated_count", "inferred_count"
    )
    rejected_rows = REJECTED_EVENTS.c
    rejected_examples = warehouse.query(
        select(rejected_rows.origin, rejected_rows.row_number, rejected_rows.reason)
        .where(rejected_rows.local_day.between(period.first_day, period.last_day))
        .distinct()
        .order_by(rejected_rows.origin, rejected_rows.row_number, rejected_rows.reason)
        .limit(examples)
    ).to_pylist()
    unreadable = warehouse.query(
        select(func.count(rejected_rows.origin.distinct())).where(
            rejected_rows.local_day.between(period.first_day, period.last_day), rejected_rows.row_number == 0
        )
    )
    log = ASSIGNMENT_LOG.c
    unknown = warehouse.query(
        select(func.count()).where(
            log.local_day.between(period.first_day, period.last_day), log.source_quality == "unknown"
        )
    )
    return Quality(
        read=read,
        accepted=accepted - found_no_change - repeated,
        rejected=rejected,
        duplicates=duplicates + repeated,
        no_change=no_change + found_no_change,
        unreadable=unreadable.column(0)[0].as_py(),
        cleaned=cleaned,
        inferred=inferred,
        source_unknown=unknown.column(0)[0].as_py(),
        examples=tuple(RejectedRow(**row) for row in rejected_examples),
    )


def sums(warehouse: Warehouse, table: Table, period: Period, *names: str) -> list[int]:
    """Return the sums of columns *names* of *table* over the days of *period*."""
    columns = (func.coalesce(func.sum(table.c[name]), 0) for name in names)
    statement = select(*columns).where(table.c.local_day.between(period.first_day, period.last_day))
    return [int(column[0].as_py()) for column in warehouse.query(statement).columns]
