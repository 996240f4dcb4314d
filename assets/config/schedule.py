"""The schedule of reports: time of day, days, holidays, and the handling of late reports.

Pure: no clock. A *tick* is the instant from which a report of a report date is due.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from assets.config.base import ConfigModel
from assets.config.working_hours import WorkingHours
from assets.periods import DAY, Unit, Weekday, day_exists, first_day_of, first_instant


def _clock_time(value: object) -> object:
    """Repair a time such as 10:30 without quotes, which YAML parses as a number to the base of 60."""
    return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) else value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


Every = (
    Literal[
        "day",
        "working_day",
        "first_day_of_week",
        "first_day_of_month",
        "last_day_of_month",
        "first_day_of_quarter",
    ]
    | tuple[Weekday, ...]
)


class Timing(ConfigModel):
    """When a report is made; a workspace's values hold for its reports unless one has its own."""

    at: ClockTime | None = Field(
        default=None,
        description="Local time (default: 06:00; 06:15 for `last_week`, `last_month` and `last_quarter`).",
    )
    every: Every = Field(
        default="day",
        description="`day`, `working_day`, `first_day_of_week`, `first_day_of_month`, `last_day_of_month`, "
        "`first_day_of_quarter`, or weekdays.",
    )
    on_holiday: Literal["keep", "skip", "shift"] = Field(
        default="keep",
        description="Handling of report dates that are holidays; `shift`: build on the next working day.",
    )
    deadline_hours: float = Field(
        default=6, ge=0, le=168, description="Hours that a report waits for its days after its time."
    )
    when_late: Literal["provisional", "skip", "wait"] = Field(
        default="provisional",
        description="Handling of a report whose days are not loaded by then.",
    )
    when_changed: Literal["rebuild", "flag"] = Field(
        default="rebuild", description="Handling of an archived report whose days have changed."
    )


class Calendar(ConfigModel):
    """The week of a workspace, and its days off."""

    week_starts: Literal["monday", "sunday", "saturday"] | None = Field(
        default=None,
        description="First day of `this_week` and `last_week` (default: that of the workspace's `language`).",
    )
    weekend: tuple[Weekday, ...] = (Weekday.SATURDAY, Weekday.SUNDAY)
    holidays: tuple[date, ...] = ()
    working_hours: WorkingHours | None = Field(
        default=None,
        description="Spans of local time by weekday or range of weekdays, for working time beside durations.",
    )

    @model_validator(mode="after")
    def _some_day_is_worked(self) -> Self:
        if len(set(self.weekend)) == len(Weekday):
            raise ValueError("`weekend` must leave a working day")
        return self

    @property
    def week_start(self) -> Weekday:
        """Return the first day of its week."""
        return Weekday(self.week_starts or Weekday.MONDAY)

    def is_working(self, day: date) -> bool:
        """Return whether *day* is neither at the weekend nor a holiday."""
        return day not in self.holidays and Weekday.of(day) not in self.weekend


@dataclass(frozen=True, slots=True)
class Tick:
    """The instant *at* from which the report of *report_date* is due."""

    report_date: date
    at: datetime


def report_ticks(
    timing: Timing, calendar: Calendar, zone: ZoneInfo, since: date, until: date
) -> Iterator[Tick]:
    """Yield a tick for each report date from *since* to *until* on which the report is created.

    A tick may be later than *until*, where a holiday shifts it.
    """
    for count in range((until - since).days + 1):
        report_date = since + timedelta(days=count)
        if not day_exists(report_date, zone) or not is_due_on(timing, calendar, report_date):
            continue
        creation_day = _made_on(timing, calendar, report_date)
        if creation_day is not None:
            yield Tick(report_date, instant_at(creation_day, timing.at or time(6), zone))


def counted_until(report_date: date, at: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant up to which a report of *report_date*, due *at*, must count the running day."""
    return min(at, first_instant(report_date + DAY, zone))


def instant_at(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a local time, as Dagster's schedules compute it.

    A time that the clocks skip is moved forward by the gap; of one that occurs twice, the earlier is used.
    """
    return datetime.combine(day, at, zone).astimezone(UTC)


def is_due_on(timing: Timing, calendar: Calendar, day: date) -> bool:
    """Return whether `every` includes *day*, regardless of holidays."""
    match timing.every:
        case "day":
            return True
        case "working_day":
            return Weekday.of(day) not in calendar.weekend
        case "last_day_of_month":
            return (day + DAY).day == 1
        case "first_day_of_week" | "first_day_of_month" | "first_day_of_quarter" as first_day:
            unit = Unit(first_day.removeprefix("first_day_of_"))
            return day == first_day_of(unit, day, calendar.week_start)
        case weekdays:
            return Weekday.of(day) in weekdays


def _made_on(timing: Timing, calendar: Calendar, report_date: date) -> date | None:
    """Return the day on which the report of *report_date* is created, or None where it is skipped."""
    if timing.on_holiday == "keep" or report_date not in calendar.holidays:
        return report_date
    if timing.on_holiday == "skip":
        return None
    later = (report_date + count * DAY for count in range(1, 366))
    return next((day for day in later if calendar.is_working(day)), None)
