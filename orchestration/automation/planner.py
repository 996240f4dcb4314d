"""What is due and not done: pure answers for the command line, the schedules and the sensor."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from assets.config.workspace import ReportSpec, Workspace
from assets.periods import DAY, first_instant, local_day

_FIRST_PAUSE = timedelta(minutes=15)


class DueDecision(StrEnum):
    """What to do about a report that is due."""

    MAKE = "make"
    BUSY = "wait for a load"
    WAIT = "wait"
    MAKE_PROVISIONAL = "make it provisional"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Due:
    """One report of one report date: called for at *at*, awaited until *deadline*."""

    workspace: Workspace
    spec: ReportSpec
    report_date: date
    at: datetime

    @property
    def deadline(self) -> datetime:
        """The instant after which it waits no longer for its days."""
        return self.at + timedelta(hours=self.spec.deadline_hours)


def due_reports(workspace: Workspace, catch_up_days: int, now: datetime) -> Iterator[Due]:
    """Yield the reports of *workspace* that ticks of the last *catch_up_days* days call for at *now*.

    A report over the running day is due for that day only: later, it is the report of another day.
    """
    today = local_day(now, workspace.zone)
    since = max(workspace.first_day, today - catch_up_days * DAY)
    for spec in workspace.all_reports:
        if spec.includes_running_day and workspace.today_every:
            at = _last_interval(first_instant(today, workspace.zone), workspace.today_every, now)
            if at is not None:
                yield Due(workspace, spec, today, at)
            continue
        for tick in workspace.ticks_of(spec, since, today):
            is_past = spec.includes_running_day and spec.every == "day" and tick.report_date < today
            if tick.at <= now and not is_past and spec.has_begun(tick.report_date):
                yield Due(workspace, spec, tick.report_date, tick.at)


def _last_interval(midnight: datetime, minutes: int, now: datetime) -> datetime | None:
    """Return the last tick of every so many *minutes* up to *now*; None in the first interval of the day."""
    every = timedelta(minutes=minutes)
    return midnight + (now - midnight) // every * every if now - midnight >= every else None


def decide_due(
    due: Due, missing: Collection[date], now: datetime, *, is_busy: bool
) -> tuple[DueDecision, str]:
    """Return what to do about *due*, and why, where *missing* of its days are not there.

    While its days are being loaded it waits, past the deadline too: they will be there soon.
    """
    if is_busy:
        return DueDecision.BUSY, "its days are being loaded"
    if not missing:
        return DueDecision.MAKE, "its days are there"
    why = f"{len(missing)} of its days are not loaded, the first is {min(missing)}"
    if now < due.deadline:
        return DueDecision.WAIT, f"{why}; it waits until {due.deadline.astimezone(due.workspace.zone):%H:%M}"
    return {
        "provisional": DueDecision.MAKE_PROVISIONAL,
        "skip": DueDecision.SKIP,
        "wait": DueDecision.WAIT,
    }[due.spec.when_late], why


def next_attempt(tries: Collection[datetime]) -> datetime | None:
    """Return when to try again after *tries*: 15 minutes after the first, then twice as long each time."""
    if not tries:
        return None
    doubled: int = 2 ** min(len(tries) - 1, 6)
    return max(tries) + _FIRST_PAUSE * doubled


def closed_days(workspace: Workspace, now: datetime) -> list[date]:
    """Return the days that the nightly flow reads: the one that closed last, and those looked back to."""
    today = local_day(now, workspace.zone)
    days = (today - count * DAY for count in range(workspace.lookback_days, 0, -1))
    return [day for day in days if day >= workspace.first_day]
