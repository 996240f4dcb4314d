"""Alerts to the operator: one thread of mails for each incident, from its first sign to its all-clear.

When a mail is due is decided in `state/incident.py`; its words are in `incident_mail.py`. What failed is
reported in `failures.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from assets.archive.catalog import Catalog
from assets.config.deployment import Config, Smtp
from assets.config.workspace import Workspace
from assets.deliver.at_risk import ArchivedReports, reports_at_risk
from assets.deliver.channels.base import ChannelUnavailable, LoginRefused, Timeouts
from assets.deliver.channels.mime import OperatorHeaders, operator_message
from assets.deliver.channels.smtp import open_smtp
from assets.deliver.incident_mail import paragraphs_of, subject_of, thread_of
from assets.deliver.ledger import Ledger
from assets.deliver.outcome import Outcome
from assets.deliver.recoveries import end_recovered
from assets.errors import TransientError
from assets.periods import DAY
from assets.state.alerts import AlertLog
from assets.state.incident import Incident

_BRIEF = Timeouts(connection=5, command=5, data=5, block=5, dot=10, whole=15)  # a sensor tick has 60 seconds
_NOT_SENT = "the mail to the operator was not sent, and will be retried: {}"
_UTC = ZoneInfo("UTC")


class AlertNotSent(TransientError):
    """The mail to the operator could not be sent; the next call sends it."""


def send_alerts(config: Config, now: datetime) -> list[str]:
    """Mail the operator what is due, one mail for each incident, and return the texts.

    An incident is marked when the server has accepted its mail, or if no mail is configured: a crash in
    between sends it twice, never not at all. One process sends at a time. Raises AlertNotSent.
    """
    alerts = AlertLog(config.state)
    workspaces = {workspace.slug: workspace for workspace in config.workspaces}
    end_recovered(config, alerts, now)
    _update_reports_at_risk(config, alerts, workspaces, now)
    alerts.forget(now)
    if not _due_incidents(alerts, workspaces, now):
        return []
    with Ledger(config.state).sending("", "operator"):
        due = _due_incidents(alerts, workspaces, now)
        texts = [_paragraphs(config, workspaces, incident, now) for incident in due]
        if config.operator and config.smtp and due:
            _mail(alerts, config.smtp, config.operator, list(zip(due, texts, strict=True)), now)
        else:
            for incident in due:
                alerts.mark_mailed(incident, now)
    return [" ".join(paragraphs) for paragraphs in texts]


def _due_incidents(alerts: AlertLog, workspaces: Mapping[str, Workspace], now: datetime) -> list[Incident]:
    """Return the incidents to tell of now; those of other code locations are left to them."""
    return [each for each in alerts.pending(now) if each.seen.workspace in {"", *workspaces}]


def _update_reports_at_risk(
    config: Config, alerts: AlertLog, workspaces: Mapping[str, Workspace], now: datetime
) -> None:
    """Record what has become of the reports that open incidents endanger: a change is mailed, too."""
    for incident in alerts.open():
        workspace = workspaces.get(incident.seen.workspace)
        if workspace and incident.seen.reports:
            at_risk = _reports_at_risk(config, workspace, incident, now)
            alerts.update_at_risk(incident.seen.key, at_risk, now)


def _reports_at_risk(
    config: Config, workspace: Workspace, incident: Incident, now: datetime
) -> tuple[str, ...]:
    catalog, since = Catalog(config.state), now.date() - 3 * DAY
    archived = ArchivedReports(catalog.newest(since, workspace.slug), catalog.skipped(since))
    return reports_at_risk(workspace, incident, archived, now)


def _paragraphs(
    config: Config, workspaces: Mapping[str, Workspace], incident: Incident, now: datetime
) -> list[str]:
    workspace = workspaces.get(incident.seen.workspace)
    if workspace is None:
        return paragraphs_of(incident, (), _UTC)
    return paragraphs_of(incident, _reports_at_risk(config, workspace, incident, now), workspace.zone)


def _mail(
    alerts: AlertLog,
    smtp: Smtp,
    operator: str,
    incidents: Sequence[tuple[Incident, list[str]]],
    now: datetime,
) -> None:
    """Mail each of *incidents* with its paragraphs, until the first refusal. Raises AlertNotSent.

    After a refused login all of them wait for a pause that grows.
    """
    domain = smtp.sender.rpartition("@")[2]
    try:
        with open_smtp(smtp, _BRIEF) as server:
            for incident, paragraphs in incidents:
                message_id, earlier = thread_of(incident, domain)
                headers = OperatorHeaders(
                    smtp.sender, operator, subject_of(incident), now, message_id, earlier
                )
                result = server.send(smtp.sender, operator, operator_message(headers, paragraphs))
                if result.outcome is not Outcome.ACCEPTED:
                    raise AlertNotSent(_NOT_SENT.format(f"{result.outcome}, {result.text}"))
                alerts.mark_mailed(incident, now)
    except ChannelUnavailable as error:
        for incident, _ in incidents if isinstance(error, LoginRefused) else ():
            alerts.postpone(incident, now)
        raise AlertNotSent(_NOT_SENT.format(error)) from error
