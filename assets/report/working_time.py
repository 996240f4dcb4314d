"""Working time between instants: a workspace's working hours, without its holidays, in its zone.

Pure and vectorized; which durations are reported, and in what unit, is not said here.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from assets.config.working_hours import WorkingHours
from assets.periods import DAY, offset_changes

Microseconds = npt.NDArray[np.int64]
"""Durations, instants (since 1970, UTC), or local times (since 1970 by the wall clock)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = DAY // _MICROSECOND
_MINUTE = timedelta(minutes=1) // _MICROSECOND
_WEEK_DAYS = 7
_MARGIN_DAYS = 3  # more than the greatest offset and a span past midnight


class WorkingTime:
    """The working time of *hours* in *zone*; of a holiday, no span that begins on it is worked.

    A span begins and ends by the wall clock. A time that the clocks skip is the instant after the gap; of one
    that occurs twice, a span begins at the earlier and ends at the later. A date that the zone skips has no
    span.
    """

    def __init__(self, hours: WorkingHours, holidays: Iterable[date], zone: ZoneInfo) -> None:
        self._spans = hours.spans
        self._holidays = np.array([(day - _EPOCH.date()).days for day in holidays], dtype=np.int64)
        self._zone = zone

    def between(self, begins: Microseconds, ends: Microseconds) -> Microseconds:
        """Return the working time from each instant of *begins* to the one of *ends* in the same row."""
        if not begins.size:
            return np.zeros(0, dtype=np.int64)
        first, last = min(begins.min(), ends.min()), max(begins.max(), ends.max())
        starts, lengths = self.spans(int(first), int(last))
        totals = np.cumsum(lengths) - lengths

        def worked_until(instants: Microseconds) -> Microseconds:
            span = np.searchsorted(starts, instants, side="right") - 1
            worked: Microseconds = totals[span] + np.minimum(instants - starts[span], lengths[span])
            return worked

        return worked_until(ends) - worked_until(begins)

    def spans(self, first: int, last: int) -> tuple[Microseconds, Microseconds]:
        """Return start and length of the spans from before the instant *first* to after *last*, in order.

        They do not overlap; the first is empty, and starts before *first*.
        """
        days = np.arange(first // _DAY - _MARGIN_DAYS, last // _DAY + _MARGIN_DAYS + 1, dtype=np.int64)
        return self._worked_spans(days)

    def _worked_spans(self, days: Microseconds) -> tuple[Microseconds, Microseconds]:
        """Return start and length of the spans that begin on *days* (since 1970), in order, without overlap.

        The first one is empty, and starts before any instant of these days.
        """
        clock = _WallClock(self._zone, int(days[0]) - 1, int(days[-1]) + 2)
        exists = clock.first_at(days * _DAY) < clock.first_at((days + 1) * _DAY)
        is_worked = exists & ~np.isin(days, self._holidays)
        weekday, begin, end = np.array(
            [(span.weekday.number, span.begin * _MINUTE, span.end * _MINUTE) for span in self._spans]
        ).T
        weekday_of_day = (days + _EPOCH.weekday()) % _WEEK_DAYS
        day, span = np.nonzero((weekday_of_day[:, None] == weekday) & is_worked[:, None])
        midnight = days[day] * _DAY
        before = [(days[0] - 1) * _DAY]
        starts = np.concatenate((before, clock.first_at(midnight + begin[span])))
        stops = np.concatenate((before, clock.last_at(midnight + end[span])))
        starts[1:] = np.maximum(starts[1:], stops[:-1])  # spans that meet at a repeated time overlap
        return starts, stops - starts


class _WallClock:
    """The clocks of *zone* from *first_day* to *last_day* (since 1970): when they show a local time."""

    def __init__(self, zone: ZoneInfo, first_day: int, last_day: int) -> None:
        changes = offset_changes(zone, _EPOCH + first_day * DAY, _EPOCH + last_day * DAY)
        self._since = np.array([(instant - _EPOCH) // _MICROSECOND for instant, _ in changes])
        self._until = np.append(self._since[1:], self._since[-1] + (last_day - first_day) * _DAY)
        self._offset = np.array([offset // _MICROSECOND for _, offset in changes])
        self._greatest_before_end = np.maximum.accumulate(self._until + self._offset)
        self._least_from_begin = np.minimum.accumulate((self._since + self._offset)[::-1])[::-1]

    def first_at(self, local: Microseconds) -> Microseconds:
        """Return the first instants at which the clocks show *local*, or jump over it."""
        part = np.searchsorted(self._greatest_before_end, local, side="right")
        instants: Microseconds = np.maximum(local - self._offset[part], self._since[part])
        return instants

    def last_at(self, local: Microseconds) -> Microseconds:
        """Return the last instants at which the clocks show *local*, or jump over it."""
        part = np.searchsorted(self._least_from_begin, local, side="right") - 1
        instants: Microseconds = np.minimum(local - self._offset[part], self._until[part])
        return instants
