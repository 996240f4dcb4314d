"""Report to the operator which deliveries did not arrive or wait for their server, and when that is over.

Under Dagster the delivery sensor calls this; without it, whatever has sent deliveries does.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from assets.deliver.delivery import Delivery, State
from assets.deliver.ledger import Ledger
from assets.state.alerts import AlertLog
from assets.state.incident import Observation

_RECENT = timedelta(days=3)
_MAX_REASONS = 3
_MAX_ISSUES = 5
_NEXT = {
    State.FAILED: "It is not retried automatically.",
    State.EXPIRED: "It is no longer sent.",
    State.UNKNOWN: "It is unknown whether it arrived.",
}
_MAIL_SERVER, _CHANNEL, _SUBSCRIPTION = "mail_server", "channel", "subscription"


def observe_deliveries(alerts: AlertLog, ledger: Ledger, now: datetime) -> None:
    """Record what was not delivered in the last three days, and end what is over; `send_alerts` mails it.

    A delivery is over, too, when its recipient has accepted a later one of the subscription.
    """
    rows = ledger.undelivered(now - _RECENT)
    reached = ledger.last_accepted({row.recipient for row in rows}) if rows else {}
    held = [row for row in rows if row.state is State.HELD]
    lost = [row for row in rows if row.state is not State.HELD and not _is_reached(row, reached)]
    observations = [*_held(held), *_lost(lost)]
    for seen in observations:
        alerts.observe(seen, now)
    seen_keys = {seen.key for seen in observations}
    for incident in alerts.open():
        key = incident.seen.key
        if key.split("/")[1] in {_MAIL_SERVER, _CHANNEL, _SUBSCRIPTION} and key not in seen_keys:
            alerts.end(key, "Nothing waits any more, and no delivery of the last three days is lost.", now)


def _is_reached(row: Delivery, reached: Mapping[tuple[str, str, str], datetime]) -> bool:
    last = reached.get((row.workspace, row.subscription, row.recipient))
    return last is not None and last > row.changed_at


def _held(rows: Sequence[Delivery]) -> Iterator[Observation]:
    """Yield an incident for the mail server, and for each other channel, that accepts nothing."""

    def key(row: Delivery) -> str:
        return f"/{_MAIL_SERVER}" if row.is_mail else f"{row.workspace}/{_CHANNEL}/{row.subscription}"

    for name, group in groupby(sorted(rows, key=key), key=key):
        first, *others = group
        receiver = "the mail server" if first.is_mail else f"the channel of {first.subscription}"
        prefix = "" if first.is_mail else f"{first.workspace}: "
        yield Observation(
            name,
            kind=State.HELD,
            title=f"{prefix}{receiver} accepts nothing",
            text=f"{first.reason}. Deliveries that wait: {len(others) + 1}.",
            next_step="They are sent automatically when it accepts them, until they expire.",
            remedy="`assignment-reports deliveries list --state held` lists them; check `smtp`."
            if first.is_mail
            else "Check the address of the channel.",
        )


def _lost(rows: Sequence[Delivery]) -> Iterator[Observation]:
    """Yield an incident for each subscription with deliveries that failed, expired or are unknown."""

    def key(row: Delivery) -> tuple[str, str]:
        return row.workspace, row.subscription

    for (slug, subscription), group in groupby(sorted(rows, key=key), key=key):
        lost = sorted(group, key=lambda row: row.changed_at)
        states = sorted({row.state for row in lost})
        listed = " or ".join(f"--state {state}" for state in states)
        yield Observation(
            f"{slug}/{_SUBSCRIPTION}/{subscription}",
            kind=", ".join(states),
            title=f"{slug}: deliveries of {subscription} did not arrive",
            text=_issues(lost),
            occurrence=lost[-1].changed_at.isoformat(),
            next_step=" ".join(_NEXT[state] for state in states),
            remedy=f"`assignment-reports deliveries list {listed}` lists the recipients; then use "
            "`deliveries retry` or `deliveries resolve`.",
        )


def _issues(rows: Sequence[Delivery]) -> str:
    """Return the issues that did not arrive, at most five, without the names of recipients."""

    def key(row: Delivery) -> str:
        return f"{row.report} of {row.report_date}: {row.state}"

    lines = []
    for name, group in groupby(sorted(rows, key=key), key=key):
        found = list(group)
        reasons = "; ".join(sorted({row.reason for row in found})[:_MAX_REASONS])
        lines.append(f"{name}, recipients: {len(found)}. {reasons}")
    more = f" And {len(lines) - _MAX_ISSUES} more." if len(lines) > _MAX_ISSUES else ""
    return ". ".join(lines[-_MAX_ISSUES:]).rstrip(".") + "." + more
