"""Preview a subscription's messages, or send them as a test to one address; the ledger is not involved."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.version import Archived
from assets.config.deployment import Config
from assets.config.subscription import Subscription
from assets.config.workspace import Workspace
from assets.deliver.channels.smtp import open_smtp
from assets.deliver.compose import Composer, Occasion, OutgoingMessage
from assets.deliver.outcome import AttemptResult
from assets.deliver.recipient_variants import VariantBuilder
from assets.deliver.recipients import resolve_recipients
from assets.errors import ConfigError
from assets.render.alerts import AlertNotice
from assets.report.conditions import assess_alert

_MARK = "TEST: "


@dataclass(frozen=True, slots=True)
class Trial:
    """The newest archived version of each report of a subscription, as *recipient* would receive it.

    Without a *recipient*, the first one of the subscription.
    """

    config: Config
    catalog: Catalog
    workspace: Workspace
    subscription: Subscription
    recipient: str | None
    now: datetime

    def preview(self) -> Iterator[tuple[Archived, bytes]]:
        """Yield each report with the content that would be sent. Raises ConfigError if there is none."""
        for archived, message in self._compose_messages(None):
            yield archived, message.content

    def send(self, to: str) -> Iterator[tuple[OutgoingMessage, AttemptResult]]:
        """Send each mail, marked as a test, to the address *to*. Raises ConfigError, ChannelUnavailable."""
        if self.subscription.channel:
            raise ConfigError(
                f"subscription {self.subscription.name} has a channel, and sends no mails\n"
                "hint: `preview` shows what it sends"
            )
        if not self.config.allows(to):
            raise ConfigError(f"{to} is not in `allowed_domains`")
        smtp = self.config.mail_server
        messages = [message for _, message in self._compose_messages(to)]
        with open_smtp(smtp) as server:
            for message in messages:
                yield message, server.send(smtp.sender, to, message.content)

    def _compose_messages(self, to: str | None) -> Iterator[tuple[Archived, OutgoingMessage]]:
        recipients, _ = resolve_recipients(self.config, self.workspace, self.subscription)
        requested = (self.recipient or "").lower()
        chosen = [
            recipient for recipient in recipients if recipient.address.lower() == requested or not requested
        ]
        if not chosen:
            raise ConfigError(
                f"subscription {self.subscription.name} has no recipient {self.recipient or ''}"
            )
        composer = Composer(self.config, self.workspace, self.subscription, self.now, _MARK if to else "")
        newest = sorted(self.catalog.newest(workspace=self.workspace.slug).items())
        for name in self.subscription.reports:
            spec = next(spec for spec in self.workspace.all_reports if spec.name == name)
            versions = [(key, version) for key, version in newest if key.report == name]
            if not versions:
                raise ConfigError(
                    f"workspace {self.workspace.slug} has no archived report {name}\n"
                    f"hint: build it with `assignment-reports run --preset {name}`"
                )
            key, version = versions[-1]
            archived = Archive(self.config.archive).read(key, version.version)
            variant = VariantBuilder(self.config, self.workspace, spec, archived).part(
                self.subscription, chosen[0]
            )
            alert = (
                AlertNotice(assess_alert(self.subscription, archived.report()))
                if self.subscription.is_alert
                else None
            )
            yield (
                variant,
                composer.message(variant, to or chosen[0].address, uuid4().hex, Occasion(alert=alert)),
            )
