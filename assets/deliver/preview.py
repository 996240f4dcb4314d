"""A subscription's mail as it would be sent now, beside the ledger: to look at, or to one's own mailbox."""

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
from assets.deliver.compose import Composer, OutgoingMessage
from assets.deliver.outcome import AttemptResult
from assets.deliver.recipient_variants import VariantBuilder
from assets.deliver.recipients import resolve_recipients
from assets.errors import ConfigError

_MARK = "TEST: "


@dataclass(frozen=True, slots=True)
class Trial:
    """The newest archived version of each report of a subscription, as *recipient* would be sent it."""

    config: Config
    catalog: Catalog
    workspace: Workspace
    subscription: Subscription
    recipient: str | None
    now: datetime

    def preview(self) -> Iterator[tuple[Archived, bytes]]:
        """Yield each report with the mail that would be sent. Raises ConfigError where there is none."""
        for archived, letter in self._compose_messages(None):
            yield archived, letter.content

    def send(self, to: str) -> Iterator[tuple[OutgoingMessage, AttemptResult]]:
        """Send each mail, marked as a test, to the address *to*. Raises ConfigError, ChannelUnavailable."""
        if self.subscription.channel:
            raise ConfigError(f"{self.subscription.name} sends no mails; `preview` shows what it sends")
        if not self.config.allows(to):
            raise ConfigError(f"{to} is in none of the `allowed_domains`")
        smtp = self.config.mail_server
        letters = [letter for _, letter in self._compose_messages(to)]
        with open_smtp(smtp) as server:
            for letter in letters:
                yield letter, server.send(smtp.sender, to, letter.content)

    def _compose_messages(self, to: str | None) -> Iterator[tuple[Archived, OutgoingMessage]]:
        recipients, _ = resolve_recipients(self.config, self.workspace, self.subscription)
        asked = (self.recipient or "").lower()
        chosen = [each for each in recipients if each.address.lower() == asked or not asked]
        if not chosen:
            raise ConfigError(f"{self.subscription.name} has no recipient {self.recipient or 'at all'}")
        composer = Composer(self.config, self.workspace, self.subscription, self.now, _MARK if to else "")
        newest = sorted(self.catalog.newest(workspace=self.workspace.slug).items())
        for name in self.subscription.reports:
            spec = next(each for each in self.workspace.all_reports if each.name == name)
            found = [(key, version) for key, version in newest if key.report == name]
            if not found:
                raise ConfigError(
                    f"{self.workspace.slug} has no archived report {name} yet: make it with `run`"
                )
            key, version = found[-1]
            whole = Archive(self.config.archive).read(key, version.version)
            part = VariantBuilder(self.config, self.workspace, spec, whole).part(self.subscription, chosen[0])
            yield part, composer.letter(part, to or chosen[0].address, uuid4().hex)
