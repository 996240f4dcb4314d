"""Preset periods: turn "last 7 days" into exact local days and instants.

Pure: no clock, no database, no Dagster; the caller passes the report date. Add a preset here, and nowhere
else.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from assets.errors import NoSuchReportDate

DAY = timedelta(days=1)
_DAY_SECONDS = 86_400
_WEEK_DAYS = 7
_QUARTER_MONTHS = 3
_LEAP_DAY = (2, 29)


class Weekday(StrEnum):
    """Days of the week, in the order of `date.weekday()`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @classmethod
    def of(cls, day: date) -> "Weekday":
        """Return the weekday of *day*."""
        return tuple(cls)[day.weekday()]

    @property
    def number(self) -> int:
        """Return its number as in `date.weekday()`: 0 for Monday."""
        return tuple(Weekday).index(self)


class Unit(StrEnum):
    """A unit of the calendar."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Preset(StrEnum):
    """The periods of docs/reference/definitions.md, Presets, relative to a report date."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    THIS_WEEK = "this_week"
    LAST_WEEK = "last_week"
    LAST_7_DAYS = "last_7_days"
    LAST_14_DAYS = "last_14_days"
    LAST_30_DAYS = "last_30_days"
    LAST_90_DAYS = "last_90_days"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    LAST_QUARTER = "last_quarter"
    THIS_YEAR = "this_year"
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

    @property
    def running_unit(self) -> Unit | None:
        """Return the unit that is counted up to the report date: the month of `this_month`."""
        return _RUNNING_UNITS.get(self)

    @property
    def closed_unit(self) -> Unit | None:
        """Return the unit that is counted once it has ended: the month of `last_month`.

        Such a report is made once a unit, on the first day of the next one.
        """
        return _CLOSED_UNITS.get(self)


_RUNNING_UNITS = {
    Preset.THIS_WEEK: Unit.WEEK,
    Preset.THIS_MONTH: Unit.MONTH,
    Preset.THIS_YEAR: Unit.YEAR,
}
_CLOSED_UNITS = {
    Preset.LAST_WEEK: Unit.WEEK,
    Preset.LAST_MONTH: Unit.MONTH,
    Preset.LAST_QUARTER: Unit.QUARTER,
}

PRESETS = (
    Preset.TODAY,
    Preset.YESTERDAY,
    Preset.LAST_7_DAYS,
    Preset.LAST_14_DAYS,
    Preset.LAST_30_DAYS,
    Preset.THIS_MONTH,
    Preset.LAST_MONTH,
)
"""The presets of every workspace; the others are made where a report names one."""

RELATIVE_PRESETS = tuple(preset for preset in Preset if preset not in {Preset.EXPLORER, Preset.CUSTOM})
"""Every preset that is one period, relative to the report date."""


@lru_cache(1 << 16)
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


def first_day_of(unit: Unit, day: date, week_start: Weekday) -> date:
    """Return the first day of the *unit* that contains *day*; weeks begin on *week_start*."""
    match unit:
        case Unit.WEEK:
            return day - (day.weekday() - week_start.number) % _WEEK_DAYS * DAY
        case Unit.MONTH:
            return day.replace(day=1)
        case Unit.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % _QUARTER_MONTHS, day=1)
        case Unit.YEAR:
            return day.replace(month=1, day=1)


def preset_period(
    preset: Preset,
    report_date: date,
    zone: ZoneInfo,
    *,
    include_today: bool = False,
    week_start: Weekday = Weekday.MONDAY,
) -> Period:
    """Return the days that *preset* covers on *report_date*.

    *include_today* moves "last N days" by one day, so that they end with the report date; *week_start* is the
    first day of the week presets. Raises ValueError for `custom`, whose days are configured.
    """
    yesterday = _day_before(report_date, zone)
    if preset.day_count:
        last = report_date if include_today else yesterday
        return Period(_day_before(last, zone, preset.day_count - 1), last, zone)
    if preset.running_unit:
        return Period(first_day_of(preset.running_unit, report_date, week_start), report_date, zone)
    if preset.closed_unit:
        last = first_day_of(preset.closed_unit, report_date, week_start) - DAY
        return Period(first_day_of(preset.closed_unit, last, week_start), last, zone)
    match preset:
        case Preset.TODAY:
            return Period(report_date, report_date, zone)
        case Preset.YESTERDAY:
            return Period(yesterday, yesterday, zone)
        case Preset.EXPLORER:
            month_start = first_day_of(Unit.MONTH, report_date, week_start)
            return Period(first_day_of(Unit.MONTH, month_start - DAY, week_start), report_date, zone)
    raise ValueError(f"{preset}: `first_day` and `last_day` are required")


def previous_period(preset: Preset, period: Period) -> Period:
    """Return the previous period of *period*: as many days just before it.

    For a preset of a calendar unit it is the unit before: up to the same weekday for `this_week`, the same
    day number for `this_month`, the same date for `this_year`. For the explorer it has every day with which
    one of its periods is compared.
    """
    first, last, zone = period.first_day, period.last_day, period.zone
    day_before = _day_before(first, zone)
    if preset.closed_unit:
        return Period(first_day_of(preset.closed_unit, day_before, Weekday.of(first)), day_before, zone)
    match preset:
        case Preset.THIS_WEEK:
            return Period(first - _WEEK_DAYS * DAY, last - _WEEK_DAYS * DAY, zone)
        case Preset.THIS_MONTH:
            return Period(day_before.replace(day=1), min(day_before, _same_day(day_before, period)), zone)
        case Preset.THIS_YEAR:
            return same_days_last_year(period)
        case Preset.EXPLORER:
            earliest = min(day_before.replace(day=1), _day_before(last, zone, 60))
            return Period(min(earliest, day_before), day_before, zone)
    return Period(_day_before(day_before, zone, len(period.days) - 1), day_before, zone)


def _same_day(month_end: date, period: Period) -> date:
    return month_end.replace(day=min(period.last_day.day, month_end.day))


def same_days_last_year(period: Period) -> Period:
    """Return the days with the same dates one year before; 28 February for the 29th."""
    return Period(_one_year_before(period.first_day), _one_year_before(period.last_day), period.zone)


def _one_year_before(day: date) -> date:
    is_leap_day = (day.month, day.day) == _LEAP_DAY
    return day.replace(year=day.year - 1, day=day.day - 1 if is_leap_day else day.day)


def as_of(report_date: date, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant up to which a report counts: *now* on the report date, else the date's end.

    Raises NoSuchReportDate where the report date has not begun or does not exist.
    """
    if not day_exists(report_date, zone):
        raise NoSuchReportDate(f"{report_date} does not exist in {zone.key}")
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
