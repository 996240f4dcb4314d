"""Preset periods: turn "last 7 days" into exact local days and instants.

Pure: no clock, no database, no Dagster; the caller passes the report date. Add a preset here, and nowhere
else.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from assets.errors import NoSuchReportDate

DAY = timedelta(days=1)
_DAY_SECONDS = 86_400


class Preset(StrEnum):
    """The periods of docs/naming.md, Time, relative to a report date."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"
    LAST_14_DAYS = "last_14_days"
    LAST_30_DAYS = "last_30_days"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    EXPLORER = "explorer"
    CUSTOM = "custom"

    @property
    def label(self) -> str:
        """Return the label: "Last 7 Days"."""
        return self.value.replace("_", " ").title()

    @property
    def day_count(self) -> int | None:
        """Return N of "last N days"; None for the others."""
        parts = self.value.split("_")
        return int(parts[1]) if len(parts) == 3 else None  # noqa: PLR2004 - last, N, days


PRESETS = tuple(preset for preset in Preset if preset not in {Preset.EXPLORER, Preset.CUSTOM})


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Return the first UTC instant of *day*: its midnight, or the end of the gap that contains it.

    Where midnight occurs twice, the earlier one is used. A date that the zone skipped gets the first instant
    of the next date, so that its window is empty.
    """
    midnight = datetime.combine(day, time(), zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    day_before = instant - DAY
    seconds = bisect_left(
        range(2 * _DAY_SECONDS),
        day,
        key=lambda s: (day_before + timedelta(seconds=s)).astimezone(zone).date(),
    )
    return day_before + timedelta(seconds=seconds)


def day_exists(day: date, zone: ZoneInfo) -> bool:
    """Return whether the zone has *day* at all; Pacific/Apia has no 2011-12-30."""
    return first_instant(day, zone) < first_instant(day + DAY, zone)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day whose window contains *instant*."""
    day = instant.astimezone(zone).date()
    return day + DAY if first_instant(day + DAY, zone) <= instant else day


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days of one zone; both ends included."""

    first_day: date
    last_day: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        """Raise ValueError for a period that ends before it starts."""
        if self.last_day < self.first_day:
            raise ValueError(f"period ends before it starts: {self.first_day}..{self.last_day}")

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Return start and end in UTC, the end excluded; 23 or 25 hours apart on clock-change days."""
        return first_instant(self.first_day, self.zone), first_instant(self.last_day + DAY, self.zone)

    @property
    def days(self) -> list[date]:
        """Return every day of the period that exists in its zone, in order."""
        return [day for day in dates_between(self.first_day, self.last_day) if day_exists(day, self.zone)]


def dates_between(first: date, last: date) -> Iterator[date]:
    """Yield each calendar date from *first* to *last*, both included."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def periods_of_days(days: Iterable[date], zone: ZoneInfo) -> list[Period]:
    """Return *days* as periods without a gap; a date that the zone skips does not make a gap."""
    periods: list[Period] = []
    for day in sorted(days):
        if periods and _day_before(day, zone) <= periods[-1].last_day:
            periods[-1] = Period(periods[-1].first_day, day, zone)
        else:
            periods.append(Period(day, day, zone))
    return periods


def _day_before(day: date, zone: ZoneInfo, count: int = 1) -> date:
    """Return the *count*-th existing day before *day*; skipped dates are not counted."""
    for _ in range(count):
        day -= DAY
        while not day_exists(day, zone):
            day -= DAY
    return day


def preset_period(
    preset: Preset, report_date: date, zone: ZoneInfo, *, include_today: bool = False
) -> Period:
    """Return the days that *preset* covers on *report_date*.

    *include_today* moves "last N days" by one day, so that they end with the report date. Raises ValueError
    for `custom`, whose days are configured.
    """
    yesterday = _day_before(report_date, zone)
    month_start = report_date.replace(day=1)
    if preset.day_count:
        last = report_date if include_today else yesterday
        return Period(_day_before(last, zone, preset.day_count - 1), last, zone)
    match preset:
        case Preset.TODAY:
            return Period(report_date, report_date, zone)
        case Preset.YESTERDAY:
            return Period(yesterday, yesterday, zone)
        case Preset.THIS_MONTH:
            return Period(month_start, report_date, zone)
        case Preset.LAST_MONTH:
            return Period((month_start - DAY).replace(day=1), month_start - DAY, zone)
        case Preset.EXPLORER:
            return Period((month_start - DAY).replace(day=1), report_date, zone)
    raise ValueError(f"{preset} has no days of its own: give its first and last day")


def previous_period(preset: Preset, period: Period) -> Period:
    """Return the previous period of *period*: as many days just before it.

    For the month presets it is the previous month, for `this_month` up to the same day number. For the
    explorer it has every day with which one of its periods is compared.
    """
    day_before = _day_before(period.first_day, period.zone)
    match preset:
        case Preset.THIS_MONTH:
            return Period(
                day_before.replace(day=1), min(day_before, _same_day(day_before, period)), period.zone
            )
        case Preset.LAST_MONTH:
            return Period(day_before.replace(day=1), day_before, period.zone)
        case Preset.EXPLORER:
            earliest = min(day_before.replace(day=1), _day_before(period.last_day, period.zone, 60))
            return Period(min(earliest, day_before), day_before, period.zone)
    return Period(_day_before(day_before, period.zone, len(period.days) - 1), day_before, period.zone)


def _same_day(month_end: date, period: Period) -> date:
    return month_end.replace(day=min(period.last_day.day, month_end.day))


def as_of(report_date: date, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant up to which a report counts: *now* on the report date, else the date's end.

    Raises NoSuchReportDate where the report date has not begun or does not exist.
    """
    if not day_exists(report_date, zone):
        raise NoSuchReportDate(f"{zone.key} has no {report_date}")
    if now < first_instant(report_date, zone):
        raise NoSuchReportDate(f"report date {report_date} has not begun in {zone.key}")
    return min(now, first_instant(report_date + DAY, zone))


def offset_changes(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, timedelta]]:
    """Return (UTC instant, offset from UTC that begins there), the first at *start*, up to *end*.

    The search looks once a day, so it would miss two changes within 24 hours; no zone has had them.
    """
    changes = [(start, _utc_offset(start, zone))]
    day = start
    while day < end:
        old, new = _utc_offset(day, zone), _utc_offset(day + DAY, zone)
        if old != new:
            seconds = bisect_left(
                range(_DAY_SECONDS),
                True,  # noqa: FBT003 - the searched value
                key=lambda s: _utc_offset(day + timedelta(seconds=s), zone) == new,
            )
            changes.append((day + timedelta(seconds=seconds), new))
        day += DAY
    return changes


def _utc_offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()
