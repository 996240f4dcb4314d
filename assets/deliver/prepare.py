"""Prepare the deliveries of one issue: a ledger row per recipient, with its reason and its content.

Whether an issue is due is in `due_deliveries.py`, sending in `dispatcher.py`.
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

_EMPTY = "no assignments, and the subscription has `only_if: not_empty`"
_UNCHANGED = "same figures as in the previous issue, and the subscription has `only_if: changed`"
_ARRIVED = (State.ACCEPTED, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The new rows, the rows that they supersede, and how the variants cover the report."""

    rows: list[Delivery]
    superseded: list[Delivery]
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """Prepares the deliveries of one *issue* at the instant *now*."""

    config: Config
    workspace: Workspace
    ledger: Ledger
    issue: Issue
    now: datetime

    def ended(self, reason: str) -> Prepared:
        """Return a row per recipient with the *reason* why nothing is sent."""
        blank = self._delivery_without_content(
            0, State.EXPIRED if self.now >= self.issue.expires_at else State.CANCELLED, reason
        )
        try:
            recipients, rejected = self._resolve_recipients(0)
        except ConfigError as error:
            return Prepared([replace(blank, reason=f"{reason}; {error}")], [])
        rows = [replace(blank, recipient=recipient.address) for recipient in recipients]
        return Prepared([*rows, *rejected] or [blank], [])

    def first(self, version: int) -> Prepared:
        """Return the deliveries of the first *version*.

        Raises ReportOutdated if a variant cannot be built, ConfigError if the recipients cannot be read.
        """
        builder = self._variant_builder(version)
        recipients, rejected = self._resolve_recipients(version)
        self._build_variants(builder, recipients)
        rows = [self._report_delivery(builder, version, recipient) for recipient in recipients]
        blank = self._delivery_without_content(version, State.FAILED, "no recipients")
        coverage = builder.coverage(self.issue.subscription, recipients)
        return Prepared([*rows, *rejected] or [blank], [], coverage)

    def by_hand(self, version: int, before: Sequence[Delivery]) -> Prepared:
        """Return the deliveries of *version* to recipients without content in the rows *before*."""
        already_planned = {row.recipient.lower() for row in before if row.content}
        builder = self._variant_builder(version)
        recipients = [
            recipient
            for recipient in self._resolve_recipients(version)[0]
            if recipient.address.lower() not in already_planned
        ]
        self._build_variants(builder, recipients)
        return Prepared([self._report_delivery(builder, version, recipient) for recipient in recipients], [])

    def corrected(self, version: int, before: Sequence[Delivery]) -> Prepared:
        """Return the deliveries of a later *version* to the recipients of the rows *before*."""
        builder = self._variant_builder(version)
        recipients = {
            recipient.address.lower(): recipient for recipient in self._resolve_recipients(version)[0]
        }
        self._build_variants(builder, recipients.values())
        ordered = sorted(before, key=lambda row: (row.recipient.lower(), row.version))
        rows = []
        for address, group in groupby(ordered, key=lambda row: row.recipient.lower()):
            recipient, history = recipients.get(address), list(group)
            if recipient is None:
                ended = replace(history[-1], reason="no longer a recipient")
                rows.append(self._ended_delivery(version, ended))
            else:
                rows.append(self._prepare_later_version(builder, version, recipient, history))
        return Prepared(rows, [row for row in before if row.state in WAITING or row.next_at])

    def _prepare_later_version(
        self, builder: VariantBuilder, version: int, recipient: Recipient, history: Sequence[Delivery]
    ) -> Delivery:
        """Return the row of a later version for one recipient: a correction, the report, or why neither."""
        last = history[-1]
        arrived = [
            row
            for row in history
            if row.state in _ARRIVED
            or (
                row.unconfirmed_attempts and row.state is not State.FAILED
            )  # FAILED: a person confirmed that it is lost
        ]
        if arrived:
            return self._correction_delivery(builder, version, recipient, arrived[-1])
        is_free = last.state in WAITING or last.reason in {_EMPTY, _UNCHANGED}
        if is_free and self.now < self.issue.expires_at:
            return self._report_delivery(builder, version, recipient)
        return self._ended_delivery(version, last)

    def _ended_delivery(self, version: int, before: Delivery) -> Delivery:
        blank = self._delivery_without_content(
            version, State.CANCELLED, f"version {before.version}: {before.reason}"
        )
        return replace(blank, recipient=before.recipient)

    def _build_variants(self, builder: VariantBuilder, recipients: Iterable[Recipient]) -> None:
        """Build every variant before the first message is composed.

        Raises ReportOutdated if a rebuilt version will follow; otherwise deliveries of such variants fail.
        """
        for recipient in recipients:
            try:
                builder.part(self.issue.subscription, recipient)
            except ReportOutdated:
                if self.issue.spec.when_changed == "rebuild":
                    raise

    def _report_delivery(self, builder: VariantBuilder, version: int, recipient: Recipient) -> Delivery:
        try:
            variant = builder.part(self.issue.subscription, recipient)
            reason = self._exclusion_reason(builder, variant, recipient)
            if reason:
                blank = self._delivery_without_content(version, State.CANCELLED, reason)
                return replace(blank, recipient=recipient.address)
            return self._planned_delivery(Kind.REPORT, variant, version, recipient)
        except (MailNotSafe, NotArchived, ReportOutdated) as error:
            return replace(
                self._delivery_without_content(version, State.FAILED, str(error)), recipient=recipient.address
            )

    def _correction_delivery(
        self, builder: VariantBuilder, version: int, recipient: Recipient, sent: Delivery
    ) -> Delivery:
        subscription = self.issue.subscription
        blank = replace(
            self._delivery_without_content(version, State.CANCELLED, ""), recipient=recipient.address
        )
        before = builder.figures(subscription, recipient, self._report_key, sent.version)
        if before is None:
            return replace(blank, reason=f"version {sent.version}, which was sent, is no longer archived")
        try:
            variant = builder.part(subscription, recipient)
        except ReportOutdated as error:
            return replace(blank, state=State.FAILED, reason=str(error))
        differences = changed_figures(before, variant.manifest)
        if not differences:
            return replace(blank, reason=f"same figures as in version {sent.version}, which was sent")
        if subscription.corrections == "next_issue":
            return replace(
                blank, reason="changed figures are sent with the next issue (`corrections: next_issue`)"
            )
        correction = Correction(sent.version, tuple((name, *values) for name, values in differences.items()))
        delivery = self._planned_delivery(Kind.CORRECTION, variant, version, recipient, (sent.id, correction))
        return replace(delivery, expires_at=self.now + timedelta(hours=subscription.expires_hours))

    def _planned_delivery(
        self,
        kind: Kind,
        variant: Archived,
        version: int,
        recipient: Recipient,
        correction: tuple[str, Correction] | None = None,
    ) -> Delivery:
        """Return a planned row whose content is in the outbox."""
        row = replace(
            self._delivery_without_content(version, State.PLANNED, ""), recipient=recipient.address, kind=kind
        )
        composer = Composer(self.config, self.workspace, self.issue.subscription, self.now)
        message = composer.message(variant, recipient.address, row.id, correction)
        outbox = Outbox(self.config.archive, self.workspace.slug)
        return replace(
            row,
            subject=message.subject,
            next_at=self.now,
            content=outbox.put(message.content),
            content_without_files=outbox.put(message.without_files) if message.without_files else None,
        )

    def _exclusion_reason(self, builder: VariantBuilder, variant: Archived, recipient: Recipient) -> str:
        """Return why the subscription's `only_if` excludes *variant*; empty if it does not."""
        subscription = self.issue.subscription
        if subscription.only_if == "not_empty" and variant.manifest.total == 0:
            return _EMPTY
        if subscription.only_if == "changed":
            before = self._issue_before(builder, recipient)
            if before is not None and not changed_figures(before, variant.manifest):
                return _UNCHANGED
        return ""

    def _issue_before(self, builder: VariantBuilder, recipient: Recipient) -> Manifest | None:
        """Return the manifest of the report that *recipient* was last sent for an earlier report date."""
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
        return builder.figures(self.issue.subscription, recipient, key, last.version)

    def _variant_builder(self, version: int) -> VariantBuilder:
        archived = Archive(self.config.archive).read(self._report_key, version)
        return VariantBuilder(self.config, self.workspace, self.issue.spec, archived)

    @property
    def _report_key(self) -> Key:
        return Key(self.workspace.slug, self.issue.spec.name, self.issue.report_date)

    def _resolve_recipients(self, version: int) -> tuple[list[Recipient], list[Delivery]]:
        """Return the recipients, and a failed delivery for each rejected one."""
        recipients, rejected = resolve_recipients(self.config, self.workspace, self.issue.subscription)
        blank = self._delivery_without_content(version, State.FAILED, "")
        return recipients, [replace(blank, recipient=row.row, reason=row.reason) for row in rejected]

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
