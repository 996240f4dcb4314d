"""Warnings about a source, and their end: its events stop, too many rows are rejected, a day is unusual.

`source_stall.py` and `load_checks.py` detect it; `deliver/operator_alerts.py` mails what is stored here.
"""

from datetime import datetime, timedelta

from assets.config.source import RespondIoSource, WebhookSource
from assets.config.workspace import Workspace
from assets.extract.load import Loaded
from assets.extract.load_checks import check_rows, stall_text
from assets.extract.source_stall import Stall, find_stall, newest_event
from assets.periods import DAY, local_day
from assets.state.alerts import AlertLog
from assets.state.incident import Observation, Severity
from assets.warehouse.base import Warehouse

_STALLED = "source_stalled"

_NEWS = timedelta(days=2)
"""A silence that ended longer ago is not reported: a backfill, or a run for a past date, found it."""

_TITLES = {
    "rejected_share": (
        "many rows are rejected",
        "Reports over them are provisional. The table rejected_events has the rows with their reasons.",
    ),
    "volume_within_range": (
        "a day has an unusual number of events",
        "Compare the day with the source: a part of an export may be missing, or be there twice.",
    ),
}
"""The checks of a load that the operator is alerted of: the title, and what to do."""


def add_stall_alert(
    alerts: AlertLog,
    warehouse: Warehouse,
    workspace: Workspace,
    now: datetime,
    *,
    is_silent: bool = False,
) -> bool:
    """Store an alert if the source of *workspace* has stopped or resumed; return whether that is new.

    *is_silent* is true where the source was queried and has nothing after the newest stored event.
    """
    stall = find_stall(warehouse, workspace, now, is_silent=is_silent)
    key = f"{workspace.slug}/{_STALLED}"
    before = next(iter(alerts.open(key)), None)
    if stall and now - stall.until < _NEWS:
        alerts.observe(_stall_observation(key, stall, workspace), now)
        return before is None
    newest = newest_event(warehouse) if before else None
    if before and newest and newest > datetime.fromisoformat(before.seen.occurrence):
        at = f"{newest.astimezone(workspace.zone):%Y-%m-%d %H:%M} ({workspace.timezone})"
        alerts.end(key, f"Events have resumed; the newest is at {at}. {_resume_advice(workspace)}", now)
        return True
    return False


def add_load_alerts(
    alerts: AlertLog, warehouse: Warehouse, workspace: Workspace, loaded: Loaded, now: datetime
) -> None:
    """Store an alert for each check of the rows of a load that warns, and end those of checks that pass.

    A load of past days only, such as a backfill, changes nothing.
    """
    today = local_day(now, workspace.zone)
    if max(loaded.by_day("read_count"), default=today - 2 * DAY) < today - DAY:
        return
    for check in check_rows(warehouse, workspace, loaded, now):
        key, (title, remedy) = f"{workspace.slug}/{check.name}", _TITLES[check.name]
        if check.is_fine:
            alerts.end(key, f"{check.text}.", now)
        else:
            warning = Observation(
                key,
                kind=check.name,
                title=f"{workspace.slug}: {title}",
                text=f"{check.text}.",
                severity=Severity.WARNING,
                occurrence=str(today),
                remedy=remedy,
            )
            alerts.observe(warning, now)


def _stall_observation(key: str, stall: Stall, workspace: Workspace) -> Observation:
    return Observation(
        key,
        kind=_STALLED,
        title=f"{workspace.slug}: the source sends no events",
        text=f"{stall_text(stall, workspace)}. Reports over these hours are provisional.",
        severity=Severity.WARNING,
        occurrence=stall.since.isoformat(),
        remedy=_stall_advice(workspace),
    )


def _stall_advice(workspace: Workspace) -> str:
    if isinstance(workspace.source, WebhookSource):
        return (
            "Check that `assignment-reports webhooks` runs and is reachable, and that the sender has not "
            "switched the webhook off: respond.io does so after 30 errors in 30 minutes."
        )
    return "Check that the source still writes its data."


def _resume_advice(workspace: Workspace) -> str:
    if isinstance(workspace.source, RespondIoSource):
        return "Take a snapshot (`assignment-reports sources snapshot`): it finds most of what was missed."
    return "If events were lost in between, reload these days when the source has them."
