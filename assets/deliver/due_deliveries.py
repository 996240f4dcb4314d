"""Due issues of a subscription, one per report and report date, and the decision about each. Pure.

Add a condition for sending here; what is sent is in `prepare.py`.
"""

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
    """A report of one report date, due at *at* and sent until *expires_at*.

    A report that counts a running day must count it up to *until*.
    """

    subscription: Subscription
    spec: ReportSpec
    report_date: date
    at: datetime
    until: datetime

    @property
    def expires_at(self) -> datetime:
        """Return the instant from which the issue is no longer sent."""
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
    """Yield the issues of the last *catch_up_days* that are due, or of more days if they may still be sent.

    *since* has, by report, the instant from which its issues count.
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
    """Return the decision about *issue* and its reason.

    *version* is the newest one of the report, *rows* are the issue's deliveries so far. A report over the
    running day is not corrected: its later versions count more of the day. Conditions are evaluated again.
    """
    if rows:
        sent = max(row.version for row in rows)
        is_later = version is not None and version.version > sent > 0 and not version.provisional
        may_change = bool(issue.subscription.when) or not issue.spec.includes_running_day
        is_corrected = is_later and may_change and not issue.subscription.paused
        return (Decision.CORRECT, "there is a later version") if is_corrected else (Decision.NOTHING, "")
    if issue.subscription.paused:
        return Decision.END, "subscription paused"
    if is_skipped:
        return Decision.END, "report skipped: its days were not loaded by its deadline"
    waits_for = _missing_condition(issue, version)
    if now >= issue.expires_at:
        return Decision.END, f"not ready in time: {waits_for or 'nothing ran'}"
    return (Decision.WAIT, waits_for) if waits_for else (Decision.SEND, "")


def _missing_condition(issue: Issue, version: Version | None) -> str:
    """Return what *issue* waits for; empty if *version* can be sent."""
    if version is None:
        return "the report is not built yet"
    if not version.counts_up_to(issue.until, issue.spec):
        return "the report is not built up to its time yet"
    if version.provisional and not issue.subscription.provisional:
        return "the report is provisional"
    if version.outdated_since is not None and issue.spec.when_changed == "rebuild":
        return "the report is being rebuilt, as its days have changed"
    return ""
