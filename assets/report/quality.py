"""Count what became of the rows read for a report's days, and sum tables with one row per day."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Table, func, select

from assets.periods import Period
from assets.report.model import Quality, RejectedRow
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG, LOAD_COUNTS, LOG_COUNTS, REJECTED_EVENTS

_FIGURES = tuple(name for name in Quality.model_fields if name != "examples")
_LOADED = ("read", "accepted", "rejected", "duplicate", "no_change", "cleaned", "ambiguous", "unreadable")
_LOGGED = ("no_change", "repeated", "inferred")


def count_quality(warehouse: Warehouse, period: Period, examples: int) -> Quality:
    """Return the quality figures of *period*, before filters, with the first *examples* rejected rows."""
    by_day = quality_by_day(warehouse, period).values()
    figures = {name: sum(day[name] for day in by_day) for name in _FIGURES}
    has_unreadable = figures["unreadable"] > 0
    return Quality(
        **figures
        | {"unreadable": _count_unreadable(warehouse, period) if has_unreadable else 0}
        | {
            "examples": _sample_rejected(warehouse, period, examples)
            if figures["rejected"] or has_unreadable
            else ()
        }
    )


def quality_by_day(warehouse: Warehouse, period: Period) -> dict[date, dict[str, int]]:
    """Return the figures of `Quality` of each loaded day of *period*; `unreadable` is 0 if there are none."""
    loaded = _sums_by_day(warehouse, LOAD_COUNTS, period, _LOADED)
    logged = _sums_by_day(warehouse, LOG_COUNTS, period, _LOGGED)
    log = ASSIGNMENT_LOG.c
    unknown = warehouse.query(
        select(log.local_day, func.count())
        .where(log.local_day.between(period.first_day, period.last_day), log.source_quality == "unknown")
        .group_by(log.local_day)
    )
    of_unknown_source = dict(zip(*(column.to_pylist() for column in unknown.columns), strict=True))
    nothing = dict.fromkeys(_LOGGED, 0)
    return {
        day: {
            "read": counts["read"],
            "accepted": counts["accepted"] - in_log["no_change"] - in_log["repeated"],
            "rejected": counts["rejected"],
            "duplicates": counts["duplicate"] + in_log["repeated"],
            "no_change": counts["no_change"] + in_log["no_change"],
            "unreadable": counts["unreadable"],
            "cleaned": counts["cleaned"],
            "inferred": in_log["inferred"],
            "source_unknown": of_unknown_source.get(day, 0),
            "ambiguous": counts["ambiguous"],
        }
        for day, counts in loaded.items()
        for in_log in [logged.get(day, nothing)]
    }


def _sums_by_day(
    warehouse: Warehouse, table: Table, period: Period, names: Sequence[str]
) -> dict[date, dict[str, int]]:
    sums = (func.coalesce(func.sum(table.c[f"{name}_count"]), 0).label(name) for name in names)
    rows = warehouse.query(
        select(table.c.local_day, *sums)
        .where(table.c.local_day.between(period.first_day, period.last_day))
        .group_by(table.c.local_day)
        .order_by(table.c.local_day)
    )
    return {
        row.pop("local_day"): {name: int(value) for name, value in row.items()} for row in rows.to_pylist()
    }


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
