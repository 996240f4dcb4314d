"""Which days a report still misses: a day never loaded is not a day with 0."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, func, select

from assets.aggregates.history import accepted_before
from assets.periods import DAY, Period, first_instant, local_day
from assets.warehouse.lake import Lake
from assets.warehouse.schema import LOAD_COUNTS, LOG_COUNTS


def unloaded_days(warehouse: Lake, period: Period, as_of: datetime) -> list[date]:
    """Return the days of *period* that are not loaded up to their end or *as_of*."""
    until = _by_day(warehouse, LOAD_COUNTS.c.loaded_until, period)
    return [
        day
        for day in _begun(period, as_of)
        if day not in until or until[day] < min(first_instant(day + DAY, period.zone), as_of)
    ]


def stale_days(warehouse: Lake, period: Period, as_of: datetime) -> list[date]:
    """Return the loaded days of *period* that have no log, or one built upon other earlier days."""
    built_upon = _by_day(warehouse, LOG_COUNTS.c.history_count, period)
    history = accepted_before(warehouse)
    return [day for day in _begun(period, as_of) if day in history and built_upon.get(day) != history[day]]


def missing_days(warehouse: Lake, period: Period, as_of: datetime) -> list[date]:
    """Return the days of *period* that a report cannot count on."""
    missing = {*unloaded_days(warehouse, period, as_of), *stale_days(warehouse, period, as_of)}
    return sorted(missing)


def _by_day(warehouse: Lake, value: Column[Any], period: Period) -> dict[date, Any]:
    """Return a column of a table with one row a day."""
    day = value.table.c.local_day
    rows = warehouse.query(select(day, value).where(day.between(period.first_day, period.last_day)))
    return dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _begun(period: Period, as_of: datetime) -> list[date]:
    return [day for day in period.days if first_instant(day, period.zone) < as_of]


def running_until(warehouse: Lake, period: Period, as_of: datetime) -> datetime | None:
    """Return up to where the day that runs at *as_of* is loaded; None where it is over, or not loaded."""
    day = local_day(as_of, period.zone)
    if not period.first_day <= day <= period.last_day:
        return None
    loads = LOAD_COUNTS.c
    found = warehouse.query(select(func.max(loads.loaded_until)).where(loads.local_day == day))
    until: datetime | None = found.column(0)[0].as_py()
    return until


def first_loaded_day(warehouse: Lake) -> date | None:
    """Return the first day that was ever loaded."""
    found: date | None = warehouse.query(select(func.min(LOAD_COUNTS.c.local_day))).column(0)[0].as_py()
    return found
