"""What the sensors report to the operator, and how they find that an incident is over.

What is mailed, and when, is decided in `assets/deliver/operator_alerts.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging import Logger

import dagster as dg

from assets.config.deployment import Config
from assets.deliver.failures import (
    CONFIGURATION,
    PLANNING,
    Failure,
    observe_failures,
    report_late,
    safe_error_text,
)
from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from assets.state.alerts import AlertLog
from assets.state.incident import Incident


def send_and_log(log: Logger, config: Config, now: datetime) -> None:
    """Mail the operator what is due, and log it; log an error if the mail server does not take it."""
    try:
        for text in send_alerts(config, now):
            log.warning(text)
    except AlertNotSent as error:
        log.error(str(error))  # noqa: TRY400 - the text is complete


@dataclass(slots=True)
class OperatorAlerts:
    """The incidents that a tick of the catch-up sensor begins and ends."""

    config: Config
    instance: dg.DagsterInstance
    now: datetime
    alerts: AlertLog = field(init=False)
    open: dict[str, Incident] = field(init=False)

    def __post_init__(self) -> None:
        self.alerts = AlertLog(self.config.state)
        self.open = {incident.seen.key: incident for incident in self.alerts.open()}

    def observe_configuration(self, broken: Sequence[str]) -> None:
        """Report the mistakes of workspaces that are left out, or that there are none any more."""
        if broken:
            text = "\n".join(broken)
            failure = Failure("", CONFIGURATION, text, kind=CONFIGURATION, occurrence=text)
            observe_failures(self.config, [failure], self.now)
        else:
            self._end(f"/{CONFIGURATION}", "Every workspace is configured correctly.")

    def observe_planning(self, slug: str, error: Exception) -> None:
        """Report that what is due in a workspace cannot be determined."""
        failure = Failure(
            slug, PLANNING, safe_error_text(error), kind=type(error).__name__, occurrence=PLANNING
        )
        observe_failures(self.config, [failure], self.now)

    def end_planning(self, slug: str) -> None:
        """Report that what is due in a workspace can be determined."""
        self._end(f"{slug}/{PLANNING}", "It works again.")

    def observe_late(self, late: Mapping[str, str]) -> None:
        """Report why reports are *late*, by workspace."""
        for slug, reason in late.items():
            report_late(self.config, slug, reason, self.now)

    def end_recovered(self) -> None:
        """Report the end of incidents whose assets were all made since their last failure."""
        for key, incident in self.open.items():
            assets = incident.seen.assets
            if assets and incident.seen.workspace in self._workspaces:
                made = [self._last_made(asset) for asset in assets]
                if all(at and at > incident.last_at for at in made):
                    self._end(key, "A later run has succeeded.")

    def open_titles(self) -> list[str]:
        """Return a line for each open incident of the workspaces, for the sensor's page in the UI."""
        return [
            f"{each.seen.title} since {each.since:%Y-%m-%d %H:%M} UTC"
            for each in self.alerts.open()
            if each.seen.workspace in self._workspaces
        ]

    @property
    def _workspaces(self) -> set[str]:
        """Return the slugs of this location's workspaces, and the empty one of the deployment."""
        return {"", *(workspace.slug for workspace in self.config.workspaces)}

    def _end(self, key: str, ending: str) -> None:
        if key in self.open:
            self.alerts.end(key, ending, self.now)

    def _last_made(self, asset: str) -> datetime | None:
        event = self.instance.get_latest_materialization_event(dg.AssetKey.from_user_string(asset))
        return event and datetime.fromtimestamp(event.timestamp, UTC)
