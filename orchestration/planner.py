"""What is needed and not there: pure answers for the command line and, later, the sensor."""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import pairwise

from assets.periods import DAY, Period, first_instant


def days_of_periods(periods: Iterable[Period], first_day: date, as_of: datetime) -> list[date]:
    """Return each day of *periods* from *first_day* on that has begun by *as_of*, once, in order."""
    return sorted(
        {
            day
            for period in periods
            for day in period.days
            if day >= first_day and first_instant(day, period.zone) < as_of
        }
    )


def ranges(days: Iterable[date]) -> list[tuple[date, date]]:
    """Return *days* as first and last days of runs without a gap.

    A date that a zone skips makes two runs of one; that costs a query and changes nothing.
    """
    ordered = sorted(days)
    if not ordered:
        return []
    gaps = [(before, after) for before, after in pairwise(ordered) if after - before > DAY]
    firsts = [ordered[0], *(after for _, after in gaps)]
    lasts = [*(before for before, _ in gaps), ordered[-1]]
    return list(zip(firsts, lasts, strict=True))
