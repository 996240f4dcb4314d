"""Alerts to the operator: each is sent once, by mail if that is configured.

The texts come from the callers; which alerts are pending is in `state/alerts.py`.
"""

from collections.abc import Mapping
from datetime import datetime

from assets.config.deployment import Config
from assets.deliver.channels.base import ChannelUnavailable, Timeouts
from assets.deliver.channels.mime import operator_message
from assets.deliver.channels.smtp import open_smtp
from assets.deliver.outcome import Outcome
from assets.errors import TransientError
from assets.state.alerts import AlertLog

_BRIEF = Timeouts(connection=5, command=5, data=5, block=5, dot=10, whole=15)  # a sensor tick has 60 seconds


class AlertNotSent(TransientError):
    """The mail to the operator could not be sent; the next call sends it."""


def send_alerts(config: Config, notices: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Add *notices* (text by key), send all pending alerts in one mail, and return them.

    Alerts are marked as sent when the server has accepted them, or if no mail is configured: a crash in
    between sends them twice, never not at all. Raises AlertNotSent.
    """
    alerts = AlertLog(config.state)
    alerts.add(notices, now)
    pending = alerts.pending()
    if not pending:
        return {}
    if config.operator and config.smtp:
        first, *others = pending.values()
        subject = f"Assignment Reports: {first.split('. ')[0]}" + (
            f" (and {len(others)} more)" if others else ""
        )
        mail = operator_message(config.smtp.sender, config.operator, subject, [first, *others], now)
        try:
            with open_smtp(config.smtp, _BRIEF) as server:
                result = server.send(config.smtp.sender, config.operator, mail)
        except ChannelUnavailable as error:
            raise AlertNotSent(
                f"the mail to the operator was not sent, and will be retried: {error}"
            ) from error
        if result.outcome is not Outcome.ACCEPTED:
            raise AlertNotSent(
                f"the mail to the operator was not sent, and will be retried: {result.outcome}, {result.text}"
            )
    alerts.mark_sent(pending, now)
    return pending
