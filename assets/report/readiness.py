"""Which days a report still misses: a day never loaded is not a day with 0."""

from datetime import date, datetime

from sqlalchemy import func, select

from assets.periods import DAY, Period, first_instant, local_day
from assets.warehouse.lake import Lake
from assets.warehouse.schema import LOAD_COUNTS, LOG_COUNTS


def missing_days(warehouse: Lake, period: Period, as_of: datetime) -> list[date]:
    """Return the days of *period* that are not loaded up to their end or *as_of*, or have no log."""
    loaded = select(LOAD_COUNTS.c.local_day, LOAD_COUNTS.c.loaded_until).join_from(
        LOAD_COUNTS, LOG_COUNTS, LOG_COUNTS.c.local_day == LOAD_COUNTS.c.local_day
    ).where(LOAD_COUNTS.c.local_day.between(period.first_day, period.last_day))  # fmt: skip
    rows = warehouse.query(loaded).to_pylist()
    until = {row["local_day"]: row["loaded_until"] for row in rows}
    begun = (day for day in period.days if first_instant(day, period.zone) < as_of)
    return [
        day
        for day in begun
        if day not in until or until[day] < min(first_instant(day + DAY, period.zone), as_of)
    ]


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
