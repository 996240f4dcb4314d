"""The issues of a subscription, one a report date and report, and what is to be done about each. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, auto
from math import ceil

from assets.archive.version import Version
from assets.config.schedule import counted_until
from assets.config.subscription import Subscription
from assets.config.workspace import ReportSpec, Workspace
from assets.deliver.delivery import Delivery
from assets.periods import DAY, local_day


@dataclass(frozen=True, slots=True)
class Issue:
    """A report of one report date, due to be sent at *at*, and until *expires_at*.

    Where it counts a running day, it must count up to *until*.
    """

    subscription: Subscription
    spec: ReportSpec
    report_date: date
    at: datetime
    until: datetime

    @property
    def expires_at(self) -> datetime:
        """The instant from which it is not sent any more."""
        return self.at + timedelta(hours=self.subscription.expires_hours)


class Decision(Enum):
    """What to do about an issue."""

    NOTHING = auto()
    WAIT = auto()
    SEND = auto()
    END = auto()
    CORRECT = auto()
    BY_HAND = auto()


def due_issues(
    workspace: Workspace,
    subscription: Subscription,
    since: Mapping[str, datetime],
    catch_up_days: int,
    now: datetime,
) -> Iterator[Issue]:
    """Yield the issues that came due *since* each report was first asked for, in the last days.

    These are *catch_up_days*, or more where an issue may still be sent.
    """
    specs = {spec.name: spec for spec in workspace.all_reports}
    today = local_day(now, workspace.zone)
    days = max(catch_up_days, ceil(subscription.expires_hours / 24) + 1)
    first = max(workspace.first_day, today - days * DAY)
    for spec in (specs[name] for name in subscription.reports):
        for tick in workspace.ticks_of(spec, first, min(today, subscription.until or today)):
            if since[spec.name] <= tick.at <= now:
                until = counted_until(tick.report_date, tick.at, workspace.zone)
                yield Issue(subscription, spec, tick.report_date, tick.at, until)


def decide(
    issue: Issue, version: Version | None, rows: Sequence[Delivery], now: datetime, *, is_skipped: bool
) -> tuple[Decision, str]:
    """Return what to do about *issue*, and why, where *version* is the newest and *rows* are its deliveries.

    A report over the running day is not corrected: its later versions count more of the day.
    """
    if rows:
        sent = max(row.version for row in rows)
        is_later = version is not None and version.version > sent > 0 and not version.provisional
        is_corrected = is_later and not (issue.spec.includes_running_day or issue.subscription.paused)
        return (Decision.CORRECT, "there is a later version") if is_corrected else (Decision.NOTHING, "")
    if issue.subscription.paused:
        return Decision.END, "the subscription was paused"
    if is_skipped:
        return Decision.END, "the report was left out: its days were not there by its deadline"
    waits_for = _missing_condition(issue, version)
    if now >= issue.expires_at:
        return Decision.END, f"it was not there in time: {waits_for or 'nothing ran'}"
    return (Decision.WAIT, waits_for) if waits_for else (Decision.SEND, "")


def _missing_condition(issue: Issue, version: Version | None) -> str:
    """Say what *issue* waits for; nothing where *version* can be sent."""
    if version is None:
        return "the report is not made"
    if not version.counts_up_to(issue.until, issue.spec):
        return "the report is not made up to its time"
    if version.provisional and not issue.subscription.provisional:
        return "the report is provisional"
    if version.outdated_since is not None and issue.spec.when_changed == "rebuild":
        return "its days have changed, and it is made anew"
    return ""
