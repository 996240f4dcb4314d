"""Alerts about stalled sources: one when events stop, one when they resume.

`extract/source_stall.py` detects the silence; `operator_alerts.py` sends the alerts that are stored here.
"""

from datetime import datetime, timedelta

from assets.config.source import RespondIoSource, WebhookSource
from assets.config.workspace import Workspace
from assets.extract.load_checks import stall_text
from assets.extract.source_stall import find_stall, newest_event
from assets.state.alerts import AlertLog
from assets.warehouse.base import Warehouse

_STALLED, _RESUMED = "stalled", "resumed"

_NEWS = timedelta(days=2)
"""A silence that ended longer ago is not reported: a backfill, or a run for a past date, found it."""


def add_stall_alert(
    alerts: AlertLog,
    warehouse: Warehouse,
    workspace: Workspace,
    now: datetime,
    *,
    is_silent: bool = False,
) -> bool:
    """Store an alert if the source of *workspace* has stopped or resumed; return whether one is new.

    *is_silent* is true where the source was queried and has nothing after the newest stored event.
    """
    stall = find_stall(warehouse, workspace, now, is_silent=is_silent)
    prefix = f"{_STALLED}/{workspace.slug}/"
    reported = {key.removeprefix(prefix) for key in alerts.keys(prefix)}
    resumed = {key.rpartition("/")[2] for key in alerts.keys(f"{_RESUMED}/{workspace.slug}/")}
    notices = {}
    if stall and now - stall.until < _NEWS and stall.since.isoformat() not in reported:
        notices[f"{prefix}{stall.since.isoformat()}"] = (
            f"{workspace.slug}: {stall_text(stall, workspace)}. Reports over these hours are provisional. "
            f"{_stall_advice(workspace)}"
        )
    newest = newest_event(warehouse)
    for since in reported - resumed:
        if newest and newest > datetime.fromisoformat(since):
            last, first = (
                f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M}"
                for instant in (datetime.fromisoformat(since), newest)
            )
            notices[f"{_RESUMED}/{workspace.slug}/{since}"] = (
                f"{workspace.slug}: events have resumed: the last before the gap was at {last}, the newest "
                f"is at {first} ({workspace.timezone}). {_resume_advice(workspace)}"
            )
    alerts.add(notices, now)
    return bool(notices)


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
