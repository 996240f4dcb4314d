"""What is needed and not there: pure answers for the command line and, later, the sensor."""

from collections.abc import Iterable
from datetime import date, datetime

from assets.periods import Period, first_instant


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
