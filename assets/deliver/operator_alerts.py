"""What the operator is told: each thing once, in plain words, by mail where that is configured."""

from collections.abc import Mapping
from datetime import datetime

from assets.config.deployment import Config
from assets.deliver.channels.base import ChannelUnavailable, Timeouts
from assets.deliver.channels.mime import operator_message
from assets.deliver.channels.smtp import open_smtp
from assets.deliver.outcome import Outcome
from assets.errors import TransientError
from assets.state.alerts import AlertLog

_BRIEF = Timeouts(connection=5, command=5, data=5, block=5, dot=10, whole=15)  # a sensor has a minute for all


class AlertNotSent(TransientError):
    """The operator's mail could not be sent; it is tried again."""


def send_alerts(config: Config, notices: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Mail those of *notices* (text by key) and of earlier ones that were not told yet, in one mail.

    They count as told when the server has them, or where no mail is configured: a crash in between
    tells twice, never not at all. Returns what was told. Raises AlertNotSent.
    """
    alerts = AlertLog(config.state)
    alerts.add(notices, now)
    new = alerts.pending()
    if not new:
        return {}
    if config.operator and config.smtp:
        first, *others = new.values()
        subject = f"Assignment Reports: {first.split('. ')[0]}" + (
            f" (and {len(others)} more)" if others else ""
        )
        mail = operator_message(config.smtp.sender, config.operator, subject, [first, *others], now)
        try:
            with open_smtp(config.smtp, _BRIEF) as server:
                answer = server.send(config.smtp.sender, config.operator, mail)
        except ChannelUnavailable as error:
            raise AlertNotSent(f"a mail to the operator waits: {error}") from error
        if answer.outcome is not Outcome.ACCEPTED:
            raise AlertNotSent(f"a mail to the operator waits: {answer.outcome}, {answer.text}")
    alerts.mark_sent(new, now)
    return new
