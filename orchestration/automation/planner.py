"""Decide which reports are due and what to do about them. Pure: the caller passes time and missing days.

Requests for runs are made in `run_requests.py`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from assets.archive.version import Key, Version
from assets.config.schedule import counted_until
from assets.config.workspace import ReportSpec, Workspace
from assets.deliver.at_risk import ArchivedReports
from assets.periods import DAY, first_instant, local_day

_FIRST_PAUSE = timedelta(minutes=15)


class DueDecision(StrEnum):
    """What to do about a report that is due."""

    MAKE = "make"
    BUSY = "wait for a load"
    WAIT = "wait"
    MAKE_PROVISIONAL = "build it provisionally"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Due:
    """A report of one report date that is due at *at*; it waits for missing days until *deadline*."""

    workspace: Workspace
    spec: ReportSpec
    report_date: date
    at: datetime

    @property
    def deadline(self) -> datetime:
        """Return the instant from which it no longer waits for missing days."""
        return self.at + timedelta(hours=self.spec.deadline_hours)


def due_reports(workspace: Workspace, catch_up_days: int, now: datetime) -> Iterator[Due]:
    """Yield the reports of *workspace* that are due at *now* by the ticks of the last *catch_up_days* days.

    A report over the running day is due only on that day: later, it is the report of another day.
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


def is_done(due: Due, version: Version | None, *, is_skipped: bool) -> bool:
    """Return whether *due* is skipped, or its newest *version* is complete or was made after its tick."""
    if version is None:
        return is_skipped
    until = counted_until(due.report_date, due.at, due.workspace.zone)
    is_current = version.counts_up_to(until, due.spec)
    return is_current and (not version.provisional or version.made_at >= due.at)


def open_reports(
    workspace: Workspace, catch_up_days: int, archived: ArchivedReports, first: date | None, now: datetime
) -> list[Due]:
    """Return the reports that are due and not done, and were due on *first* or later, or today if None.

    *first* is the first report date of the workspace in the archive: what was due before is not missed.
    """
    since = first_instant(first or local_day(now, workspace.zone), workspace.zone)
    found = []
    for due in due_reports(workspace, catch_up_days, now):
        key = Key(workspace.slug, due.spec.name, due.report_date)
        is_skipped = key in archived.skipped
        if due.at >= since and not is_done(due, archived.newest.get(key), is_skipped=is_skipped):
            found.append(due)
    return found


def _last_interval(midnight: datetime, minutes: int, now: datetime) -> datetime | None:
    """Return the last tick up to *now*, one every *minutes*; None in the first interval of the day."""
    interval = timedelta(minutes=minutes)
    return midnight + (now - midnight) // interval * interval if now - midnight >= interval else None


def decide_due(
    due: Due, missing: Collection[date], now: datetime, *, is_busy: bool
) -> tuple[DueDecision, str]:
    """Return the decision about *due* and its reason, if *missing* of its days are not loaded.

    While its days are being loaded, it waits even past the deadline.
    """
    if is_busy:
        return DueDecision.BUSY, "its days are being loaded"
    if not missing:
        return DueDecision.MAKE, "its days are loaded"
    reason = f"days not loaded: {len(missing)}, the first is {min(missing)}"
    if now < due.deadline:
        return (
            DueDecision.WAIT,
            f"{reason}; it waits until {due.deadline.astimezone(due.workspace.zone):%H:%M}",
        )
    return {
        "provisional": DueDecision.MAKE_PROVISIONAL,
        "skip": DueDecision.SKIP,
        "wait": DueDecision.WAIT,
    }[due.spec.when_late], reason


def next_attempt(attempts: Collection[datetime]) -> datetime | None:
    """Return when to retry after *attempts*: 15 minutes after the first, then twice as long each time."""
    if not attempts:
        return None
    factor: int = 2 ** min(len(attempts) - 1, 6)
    return max(attempts) + _FIRST_PAUSE * factor


def closed_days(workspace: Workspace, now: datetime) -> list[date]:
    """Return the days that the nightly flow loads: the last closed one, and the lookback days before it."""
    today = local_day(now, workspace.zone)
    days = (today - count * DAY for count in range(workspace.lookback_days, 0, -1))
    return [day for day in days if day >= workspace.first_day]
