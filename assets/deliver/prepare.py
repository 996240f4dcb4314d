"""The deliveries of one issue, with the bytes to send: for each recipient a row and the reason for it.

When they are prepared is in `due_deliveries.py`, how they are sent in `dispatcher.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from assets.archive.archive import Archive, NotArchived
from assets.archive.version import Archived, Key, Manifest, changed_figures
from assets.config.deployment import Config
from assets.config.subscription import Recipient
from assets.config.workspace import Workspace
from assets.deliver.channels.mime import MailNotSafe
from assets.deliver.compose import Composer
from assets.deliver.delivery import WAITING, Delivery, Kind, State
from assets.deliver.due_deliveries import Issue
from assets.deliver.ledger import Ledger
from assets.deliver.outbox import Outbox
from assets.deliver.recipient_variants import Coverage, ReportOutdated, VariantBuilder
from assets.deliver.recipients import resolve_recipients
from assets.errors import ConfigError
from assets.render.mail import Correction

_EMPTY = "it has no assignments, and the subscription asks for `not_empty`"
_UNCHANGED = "it says what the issue before said, and the subscription asks for `changed`"
_ARRIVED = (State.ACCEPTED, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to write down: new rows, rows that a later version takes the place of, and how parts add up."""

    rows: list[Delivery]
    superseded: list[Delivery]
    cutting: Coverage | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """Prepares the deliveries of one *issue* at the instant *now*."""

    config: Config
    workspace: Workspace
    ledger: Ledger
    issue: Issue
    now: datetime

    def ended(self, reason: str) -> Prepared:
        """Return a row for each recipient that says why nothing is sent."""
        blank = self._delivery_without_content(
            0, State.EXPIRED if self.now >= self.issue.expires_at else State.CANCELLED, reason
        )
        try:
            recipients, rejected = self._resolve_recipients(0)
        except ConfigError as error:
            return Prepared([replace(blank, reason=f"{reason}; {error}")], [])
        rows = [replace(blank, recipient=each.address) for each in recipients]
        return Prepared([*rows, *rejected] or [blank], [])

    def first(self, version: int) -> Prepared:
        """Return what is sent of the first version.

        Raises ReportOutdated where no part can be cut, ConfigError where nobody knows the recipients.
        """
        cutter = self._variant_builder(version)
        recipients, rejected = self._resolve_recipients(version)
        self._build_variants(cutter, recipients)
        rows = [self._report_delivery(cutter, version, each) for each in recipients]
        blank = self._delivery_without_content(version, State.FAILED, "there are no recipients")
        cutting = cutter.cutting(self.issue.subscription, recipients)
        return Prepared([*rows, *rejected] or [blank], [], cutting)

    def by_hand(self, version: int, before: Sequence[Delivery]) -> Prepared:
        """Return what is sent of a version to those to whom nothing of the issue was ever written."""
        written = {row.recipient.lower() for row in before if row.content}
        cutter = self._variant_builder(version)
        recipients = [
            each for each in self._resolve_recipients(version)[0] if each.address.lower() not in written
        ]
        self._build_variants(cutter, recipients)
        return Prepared([self._report_delivery(cutter, version, each) for each in recipients], [])

    def corrected(self, version: int, before: Sequence[Delivery]) -> Prepared:
        """Return what is sent of a later *version* to those who were to be sent the ones *before*."""
        cutter = self._variant_builder(version)
        recipients = {each.address.lower(): each for each in self._resolve_recipients(version)[0]}
        self._build_variants(cutter, recipients.values())
        ordered = sorted(before, key=lambda row: (row.recipient.lower(), row.version))
        rows = []
        for address, group in groupby(ordered, key=lambda row: row.recipient.lower()):
            recipient, history = recipients.get(address), list(group)
            if recipient is None:
                ended = replace(history[-1], reason="is not a recipient any more")
                rows.append(self._ended_delivery(version, ended))
            else:
                rows.append(self._prepare_later_version(cutter, version, recipient, history))
        return Prepared(rows, [row for row in before if row.state in WAITING or row.next_at])

    def _prepare_later_version(
        self, cutter: VariantBuilder, version: int, recipient: Recipient, history: Sequence[Delivery]
    ) -> Delivery:
        """Return the row of a later version for one recipient: a correction, the report, or neither."""
        last = history[-1]
        arrived = [
            row
            for row in history
            if row.state in _ARRIVED
            or (row.unconfirmed_attempts and row.state is not State.FAILED)  # a person said "lost"
        ]
        if arrived:
            return self._correction_delivery(cutter, version, recipient, arrived[-1])
        is_free = last.state in WAITING or last.reason in {_EMPTY, _UNCHANGED}
        if is_free and self.now < self.issue.expires_at:
            return self._report_delivery(cutter, version, recipient)
        return self._ended_delivery(version, last)

    def _ended_delivery(self, version: int, before: Delivery) -> Delivery:
        blank = self._delivery_without_content(
            version, State.CANCELLED, f"version {before.version}: {before.reason}"
        )
        return replace(blank, recipient=before.recipient)

    def _build_variants(self, cutter: VariantBuilder, recipients: Iterable[Recipient]) -> None:
        """Cut every part before the first mail is written.

        Raises ReportOutdated, unless no next version will come: then those parts have failed.
        """
        for each in recipients:
            try:
                cutter.part(self.issue.subscription, each)
            except ReportOutdated:
                if self.issue.spec.when_changed == "rebuild":
                    raise

    def _report_delivery(self, cutter: VariantBuilder, version: int, recipient: Recipient) -> Delivery:
        try:
            part = cutter.part(self.issue.subscription, recipient)
            reason = self._is_unwanted(cutter, part, recipient)
            if reason:
                blank = self._delivery_without_content(version, State.CANCELLED, reason)
                return replace(blank, recipient=recipient.address)
            return self._planned_delivery(Kind.REPORT, part, version, recipient)
        except (MailNotSafe, NotArchived, ReportOutdated) as error:
            return replace(
                self._delivery_without_content(version, State.FAILED, str(error)), recipient=recipient.address
            )

    def _correction_delivery(
        self, cutter: VariantBuilder, version: int, recipient: Recipient, sent: Delivery
    ) -> Delivery:
        subscription = self.issue.subscription
        blank = replace(
            self._delivery_without_content(version, State.CANCELLED, ""), recipient=recipient.address
        )
        before = cutter.figures(subscription, recipient, self._report_key, sent.version)
        if before is None:
            return replace(blank, reason=f"version {sent.version}, which was sent, is not archived any more")
        try:
            part = cutter.part(subscription, recipient)
        except ReportOutdated as error:
            return replace(blank, state=State.FAILED, reason=str(error))
        differences = changed_figures(before, part.manifest)
        if not differences:
            return replace(blank, reason=f"it has the figures of version {sent.version}, which was sent")
        if subscription.corrections == "next_issue":
            return replace(blank, reason="other figures are left to the next issue")
        what = Correction(sent.version, tuple((name, *both) for name, both in differences.items()))
        written = self._planned_delivery(Kind.CORRECTION, part, version, recipient, (sent.id, what))
        return replace(written, expires_at=self.now + timedelta(hours=subscription.expires_hours))

    def _planned_delivery(
        self,
        kind: Kind,
        part: Archived,
        version: int,
        recipient: Recipient,
        correction: tuple[str, Correction] | None = None,
    ) -> Delivery:
        """Return a planned row whose bytes are in the outbox."""
        row = replace(
            self._delivery_without_content(version, State.PLANNED, ""), recipient=recipient.address, kind=kind
        )
        composer = Composer(self.config, self.workspace, self.issue.subscription, self.now)
        letter = composer.letter(part, recipient.address, row.id, correction)
        outbox = Outbox(self.config.archive, self.workspace.slug)
        return replace(
            row,
            subject=letter.subject,
            next_at=self.now,
            content=outbox.put(letter.content),
            content_without_files=outbox.put(letter.without_files) if letter.without_files else None,
        )

    def _is_unwanted(self, cutter: VariantBuilder, part: Archived, recipient: Recipient) -> str:
        """Say why the subscription does not want *part*; nothing where it does."""
        subscription = self.issue.subscription
        if subscription.only_if == "not_empty" and part.manifest.total == 0:
            return _EMPTY
        if subscription.only_if == "changed":
            before = self._issue_before(cutter, recipient)
            if before is not None and not changed_figures(before, part.manifest):
                return _UNCHANGED
        return ""

    def _issue_before(self, cutter: VariantBuilder, recipient: Recipient) -> Manifest | None:
        """Return the figures of what *recipient* was last sent of the report, for an earlier report date."""
        slug, name = self.workspace.slug, self.issue.subscription.name
        rows = [
            row
            for row in self.ledger.of_subscription(slug, name, last=self.issue.report_date)
            if row.report == self.issue.spec.name
            and row.report_date < self.issue.report_date
            and row.recipient.lower() == recipient.address.lower()
            and row.state in _ARRIVED
        ]
        if not rows:
            return None
        last = max(rows, key=lambda row: (row.report_date, row.version))
        key = self._report_key._replace(report_date=last.report_date)
        return cutter.figures(self.issue.subscription, recipient, key, last.version)

    def _variant_builder(self, version: int) -> VariantBuilder:
        whole = Archive(self.config.archive).read(self._report_key, version)
        return VariantBuilder(self.config, self.workspace, self.issue.spec, whole)

    @property
    def _report_key(self) -> Key:
        return Key(self.workspace.slug, self.issue.spec.name, self.issue.report_date)

    def _resolve_recipients(self, version: int) -> tuple[list[Recipient], list[Delivery]]:
        """Return the recipients, and a failed row for each that is wrong."""
        recipients, rejected = resolve_recipients(self.config, self.workspace, self.issue.subscription)
        blank = self._delivery_without_content(version, State.FAILED, "")
        return recipients, [replace(blank, recipient=each.row, reason=each.reason) for each in rejected]

    def _delivery_without_content(self, version: int, state: State, reason: str) -> Delivery:
        return Delivery(
            workspace=self.workspace.slug,
            subscription=self.issue.subscription.name,
            report=self.issue.spec.name,
            report_date=self.issue.report_date,
            version=version,
            recipient="",
            kind=Kind.REPORT,
            subject="",
            state=state,
            reason=reason,
            planned_at=self.now,
            expires_at=self.issue.expires_at,
            changed_at=self.now,
        )
