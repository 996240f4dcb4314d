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
from assets.deliver.alert_rule import HELD_BACK
from assets.deliver.alerting import Evaluated, evaluate
from assets.deliver.channels.mime import MailNotSafe
from assets.deliver.compose import Composer, Occasion
from assets.deliver.delivery import ARRIVED, WAITING, Delivery, Kind, State
from assets.deliver.due_deliveries import Issue
from assets.deliver.evaluation import Evaluation
from assets.deliver.ledger import Ledger
from assets.deliver.outbox import Outbox
from assets.deliver.recipient_variants import Coverage, ReportOutdated, VariantBuilder
from assets.deliver.recipients import resolve_recipients
from assets.errors import ConfigError
from assets.render.mail import Correction

_EMPTY = "no assignments, and the subscription has `only_if: not_empty`"
_UNCHANGED = "same figures as in the previous issue, and the subscription has `only_if: changed`"
_FREE = {_EMPTY, _UNCHANGED, *HELD_BACK}


@dataclass(frozen=True, slots=True)
class Prepared:
    """The new rows, the rows that they supersede, how the variants cover the report, and the evaluations."""

    rows: list[Delivery]
    superseded: list[Delivery]
    coverage: Coverage | None = None
    evaluations: tuple[Evaluation, ...] = ()


@dataclass(frozen=True, slots=True)
class _Content:
    """A version of the report, its variants, and the evaluation of the subscription's conditions, if any."""

    version: int
    variants: VariantBuilder
    evaluated: Evaluated | None

    def choose(self, recipient: Recipient) -> tuple[Kind | None, str]:
        """Return what *recipient* is sent, or None and why nothing."""
        return self.evaluated.choose(recipient.address) if self.evaluated else (Kind.REPORT, "")

    def evaluations(self, rows: Sequence[Delivery]) -> tuple[Evaluation, ...]:
        """Return the evaluations to record with the planned *rows*."""
        return tuple(self.evaluated.rows(rows)) if self.evaluated and rows else ()


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
        content = self._content(version)
        recipients, rejected = self._resolve_recipients(version)
        self._build_variants(content, recipients)
        rows = [self._report_delivery(content, recipient) for recipient in recipients]
        blank = self._delivery_without_content(version, State.FAILED, "no recipients")
        coverage = content.variants.coverage(self.issue.subscription, recipients)
        planned = [*rows, *rejected] or [blank]
        return Prepared(planned, [], coverage, content.evaluations(planned))

    def by_hand(self, version: int, before: Sequence[Delivery]) -> Prepared:
        """Return the deliveries of *version* to recipients without content in the rows *before*."""
        already_planned = {row.recipient.lower() for row in before if row.content}
        content = self._content(version, is_asked=True)
        recipients = [
            recipient
            for recipient in self._resolve_recipients(version)[0]
            if recipient.address.lower() not in already_planned
        ]
        self._build_variants(content, recipients)
        rows = [self._report_delivery(content, recipient) for recipient in recipients]
        return Prepared(rows, [], evaluations=content.evaluations(rows))

    def corrected(self, version: int, before: Sequence[Delivery]) -> Prepared:
        """Return the deliveries of a later *version* to the recipients of the rows *before*."""
        content = self._content(version)
        recipients = {
            recipient.address.lower(): recipient for recipient in self._resolve_recipients(version)[0]
        }
        self._build_variants(content, recipients.values())
        ordered = sorted(before, key=lambda row: (row.recipient.lower(), row.version))
        rows = []
        for address, group in groupby(ordered, key=lambda row: row.recipient.lower()):
            recipient, history = recipients.get(address), list(group)
            if recipient is None:
                ended = replace(history[-1], reason="no longer a recipient")
                rows.append(self._ended_delivery(version, ended))
            else:
                rows.append(self._prepare_later_version(content, recipient, history))
        superseded = [row for row in before if row.state in WAITING or row.next_at]
        return Prepared(rows, superseded, evaluations=content.evaluations(rows))

    def _prepare_later_version(
        self, content: _Content, recipient: Recipient, history: Sequence[Delivery]
    ) -> Delivery:
        """Return the row of a later version for one recipient: a correction, the report, or why neither.

        A later version of a running day corrects nothing: it is another report.
        """
        last = history[-1]
        arrived = [
            row
            for row in history
            if row.state in ARRIVED
            or (
                row.unconfirmed_attempts and row.state is not State.FAILED
            )  # FAILED: a person confirmed that it is lost
        ]
        is_another = self.issue.spec.includes_running_day
        if arrived and not is_another:
            return self._correction_delivery(content, recipient, arrived[-1])
        is_free = is_another or last.state in WAITING or last.reason in _FREE
        if is_free and self.now < self.issue.expires_at:
            return self._report_delivery(content, recipient)
        return self._ended_delivery(content.version, last)

    def _ended_delivery(self, version: int, before: Delivery) -> Delivery:
        blank = self._delivery_without_content(
            version, State.CANCELLED, f"version {before.version}: {before.reason}"
        )
        return replace(blank, recipient=before.recipient)

    def _build_variants(self, content: _Content, recipients: Iterable[Recipient]) -> None:
        """Build every variant that is sent before the first message is composed.

        Raises ReportOutdated if a rebuilt version will follow; otherwise deliveries of such variants fail.
        """
        for recipient in recipients:
            if content.choose(recipient)[0] is None:
                continue
            try:
                content.variants.part(self.issue.subscription, recipient)
            except ReportOutdated:
                if self.issue.spec.when_changed == "rebuild":
                    raise

    def _report_delivery(self, content: _Content, recipient: Recipient) -> Delivery:
        """Return the row of the report, alert or all-clear for *recipient*, or why nothing is sent."""
        blank = self._delivery_without_content(content.version, State.CANCELLED, "")
        blank = replace(blank, recipient=recipient.address)
        kind, reason = content.choose(recipient)
        if kind is None:
            return replace(blank, reason=reason)
        try:
            variant = content.variants.part(self.issue.subscription, recipient)
            reason = self._exclusion_reason(content.variants, variant, recipient)
            if reason:
                return replace(blank, reason=reason)
            notice = content.evaluated.notice() if content.evaluated else None
            return self._planned_delivery(replace(blank, kind=kind), variant, Occasion(alert=notice))
        except (MailNotSafe, NotArchived, ReportOutdated) as error:
            return replace(blank, state=State.FAILED, reason=str(error))

    def _correction_delivery(self, content: _Content, recipient: Recipient, sent: Delivery) -> Delivery:
        subscription = self.issue.subscription
        blank = self._delivery_without_content(content.version, State.CANCELLED, "")
        blank = replace(blank, recipient=recipient.address)
        before = content.variants.figures(subscription, recipient, self._report_key, sent.version)
        if before is None:
            return replace(blank, reason=f"version {sent.version}, which was sent, is no longer archived")
        try:
            variant = content.variants.part(subscription, recipient)
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
        notice = content.evaluated.notice() if content.evaluated else None
        delivery = self._planned_delivery(
            replace(blank, kind=Kind.CORRECTION), variant, Occasion(sent.id, correction, notice)
        )
        return replace(delivery, expires_at=self.now + timedelta(hours=subscription.expires_hours))

    def _planned_delivery(self, blank: Delivery, variant: Archived, occasion: Occasion) -> Delivery:
        """Return *blank* as a planned row whose content is in the outbox."""
        composer = Composer(self.config, self.workspace, self.issue.subscription, self.now)
        message = composer.message(variant, blank.recipient, blank.id, occasion)
        outbox = Outbox(self.config.archive, self.workspace.slug)
        return replace(
            blank,
            state=State.PLANNED,
            subject=message.subject,
            next_at=self.now,
            content=outbox.put(message.content),
            content_without_files=outbox.put(message.without_files) if message.without_files else None,
        )

    def _exclusion_reason(self, variants: VariantBuilder, variant: Archived, recipient: Recipient) -> str:
        """Return why the subscription's `only_if` excludes *variant*; empty if it does not."""
        subscription = self.issue.subscription
        if subscription.only_if == "not_empty" and variant.manifest.total == 0:
            return _EMPTY
        if subscription.only_if == "changed":
            before = self._issue_before(variants, recipient)
            if before is not None and not changed_figures(before, variant.manifest):
                return _UNCHANGED
        return ""

    def _issue_before(self, variants: VariantBuilder, recipient: Recipient) -> Manifest | None:
        """Return the manifest of the report that *recipient* was last sent for an earlier report date."""
        slug, name = self.workspace.slug, self.issue.subscription.name
        rows = [
            row
            for row in self.ledger.of_subscription(slug, name, last=self.issue.report_date)
            if row.report == self.issue.spec.name
            and row.report_date < self.issue.report_date
            and row.recipient.lower() == recipient.address.lower()
            and row.state in ARRIVED
        ]
        if not rows:
            return None
        last = max(rows, key=lambda row: (row.report_date, row.version))
        key = self._report_key._replace(report_date=last.report_date)
        return variants.figures(self.issue.subscription, recipient, key, last.version)

    def _content(self, version: int, *, is_asked: bool = False) -> _Content:
        """Return *version* and what it is sent as; what a person *is_asked* for is an alert of its own."""
        archived = Archive(self.config.archive).read(self._report_key, version)
        variants = VariantBuilder(self.config, self.workspace, self.issue.spec, archived)
        evaluated = None
        if self.issue.subscription.when:
            evaluated = evaluate(self.ledger, self.issue, archived.report(), version)
            evaluated = replace(evaluated, told=frozenset()) if is_asked else evaluated
        return _Content(version, variants, evaluated)

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
