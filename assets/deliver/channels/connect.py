"""Open the transport of a subscription: a mail server, a webhook, a chat, or an SFTP folder.

Add the case of a new channel here. The transition after a result is in `delivery.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import assert_never

from assets.clock import Clock
from assets.config.channels import GoogleChat, Sftp, Slack, Teams, Webhook
from assets.config.deployment import Config, Smtp
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.channels.base import Timeouts, Transport
from assets.deliver.channels.mime import as_possible_copy
from assets.deliver.channels.smtp import SmtpSession, open_smtp
from assets.deliver.channels.webhook import web_transport
from assets.deliver.delivery import Delivery
from assets.deliver.outcome import AttemptResult
from assets.runtime.extras import require


@contextmanager
def open_transport(
    config: Config, workspace: Workspace, subscription: Subscription, timeouts: Timeouts, clock: Clock
) -> Iterator[Transport]:
    """Yield an open transport for the deliveries of *subscription*.

    Raises ChannelUnavailable if the server does not answer, ConfigError if the configuration is wrong.
    """
    match subscription.channel:
        case Webhook() as hook:
            yield web_transport(hook.url, hook.secret, timeouts, clock)
        case Slack() | Teams() | GoogleChat() as chat:
            yield web_transport(chat.url, None, timeouts, clock)
        case Sftp() as sftp:
            require("sftp", f"workspaces.{workspace.slug}.subscriptions.{subscription.name}.sftp")
            from assets.deliver.channels.sftp import open_sftp  # noqa: PLC0415 - paramiko takes 0.3 s to import

            with open_sftp(sftp, config.archive / workspace.slug, timeouts) as transport:
                yield transport
        case None:
            smtp = config.mail_server
            with open_smtp(smtp, timeouts) as server:
                yield _SmtpTransport(server, smtp)
        case unknown:
            assert_never(unknown)


class _SmtpTransport:
    def __init__(self, server: SmtpSession, smtp: Smtp) -> None:
        self._server, self._smtp = server, smtp

    @property
    def is_open(self) -> bool:
        return self._server.is_open

    @property
    def max_bytes(self) -> int | None:
        return self._server.max_bytes

    def send(self, delivery: Delivery, content: bytes, before_commit: Callable[[], None]) -> AttemptResult:
        mail = as_possible_copy(content) if delivery.unconfirmed_attempts else content
        return self._server.send(
            _envelope_sender(self._smtp, delivery), delivery.recipient, mail, before_commit
        )


def _envelope_sender(smtp: Smtp, delivery: Delivery) -> str:
    """Return the address for bounces: with `bounces` configured, each delivery has its own."""
    if smtp.bounces is None:
        return smtp.sender
    name, _, domain = smtp.bounces.rpartition("@")
    return f"{name}+{delivery.id}@{domain}"
