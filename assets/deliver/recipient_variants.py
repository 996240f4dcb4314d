"""Variants of a report for single recipients: another language, pseudonyms, or narrower filters.

A variant is built from the same days as the archived version, and archived beside it.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select

from assets.archive.archive import Archive, NotArchived
from assets.archive.publish import draft_report, origin_of
from assets.archive.version import Archived, Key, Manifest
from assets.config.deployment import Config
from assets.config.presentation import Filters, Format, Presentation
from assets.config.subscription import Recipient, Subscription
from assets.config.workspace import ReportSpec, Workspace
from assets.errors import TransientError
from assets.report.filters import Known, filter_conditions, look_up
from assets.report.report_periods import period_of
from assets.warehouse.base import open_warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG


class ReportOutdated(TransientError):
    """A variant cannot be built: the days of its version have changed since it was archived."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the filtered variants of an issue cover the report's total: whole = sum(parts) + rest."""

    whole: int
    parts: tuple[int, ...]
    rest: int

    @property
    def is_whole(self) -> bool:
        """Tell whether every assignment is counted exactly once."""
        return sum(self.parts) + self.rest == self.whole

    def __str__(self) -> str:
        sign = "=" if self.is_whole else "is not"
        terms = " + ".join(f"{part:,}" for part in self.parts)
        return f"{terms} + {self.rest:,} others {sign} {self.whole:,}"


class VariantBuilder:
    """Builds variants of one archived version of a report."""

    def __init__(self, config: Config, workspace: Workspace, spec: ReportSpec, whole: Archived) -> None:
        self._archive = Archive(config.archive)
        self._lake = open_warehouse(config, workspace.slug)
        self._workspace, self._spec, self._archived = workspace, spec, whole
        self._report = whole.report()

    def part(self, subscription: Subscription, recipient: Recipient) -> Archived:
        """Return the variant for *recipient*, which may be the version itself; build it if it is new.

        Raises ReportOutdated.
        """
        manifest = self._archived.manifest
        key = Key(self._workspace.slug, self._spec.name, manifest.report_date)
        archived = self.kept(subscription, recipient, key, manifest.version)
        if archived is not None:
            return archived
        spec = self._requested_spec(subscription, recipient)
        formats = _variant_formats(spec, subscription)
        draft = draft_report(
            self._lake,
            self._workspace,
            spec.model_copy(update={"formats": formats}),
            manifest.report_date,
            self._report.as_of,
        )
        if draft.report.data_version != manifest.data_version:
            raise ReportOutdated(f"the days of version {manifest.version} have changed since")
        name = _variant_name(spec, self._spec, formats)
        return self._archive.store_part(draft.report, name, manifest.version, origin_of(draft), draft.render)

    def kept(
        self, subscription: Subscription, recipient: Recipient, key: Key, version: int
    ) -> Archived | None:
        """Return the variant of a *version* of the report *key* for *recipient*, if it is archived."""
        spec = self._requested_spec(subscription, recipient)
        try:
            if spec == self._spec:
                return self._archive.read(key, version)
        except NotArchived:
            return None
        return self._archive.part(
            key, _variant_name(spec, self._spec, _variant_formats(spec, subscription)), version
        )

    def figures(
        self, subscription: Subscription, recipient: Recipient, key: Key, version: int
    ) -> Manifest | None:
        """Return the manifest of the variant that *recipient* was sent, if its figures are known.

        Without filters, a variant that is no longer archived has the figures of the version itself.
        """
        variant = self.kept(subscription, recipient, key, version)
        if variant is not None:
            return variant.manifest
        try:
            archived = self._archive.read(key, version)
        except NotArchived:
            return None
        return None if subscription.filters.active else archived.manifest

    def _requested_spec(self, subscription: Subscription, recipient: Recipient) -> ReportSpec:
        """Return the report's configuration for *recipient*; the operator's copy is not filtered."""
        language = recipient.language or subscription.language
        masks = subscription.mask_contacts if recipient.mask_contacts is None else recipient.mask_contacts
        changes: dict[str, object] = {}
        if language:
            changes["language"] = language
        if masks is not None:
            changes["mask_contacts"] = masks or self._spec.mask_contacts
        if subscription.details_asked <= recipient.details.keys():
            own_filters = subscription.part_of(recipient).model_dump(exclude_defaults=True)
            if own_filters:
                changes["filters"] = self._spec.filters.model_copy(update=own_filters)
        return self._spec.model_copy(update=changes)

    def coverage(self, subscription: Subscription, recipients: Collection[Recipient]) -> Coverage | None:
        """Count the filtered variants and the rest; return None if no filter depends on the recipient."""
        if not subscription.details_asked:
            return None
        filtered_recipients = [
            recipient for recipient in recipients if subscription.details_asked <= recipient.details.keys()
        ]
        filters = {
            str(part): part for part in (subscription.part_of(recipient) for recipient in filtered_recipients)
        }
        with self._lake.reading():
            known = look_up(self._lake, self._workspace, self._spec.filters, *filters.values())
        conditions = [_is_match(part, known) for part in filters.values()]
        counts = [self._count_matches(condition, known) for condition in conditions]
        rest = self._count_matches(not_(or_(false(), *conditions)), known)
        return Coverage(self._report.total, tuple(counts), rest)

    def _count_matches(self, condition: ColumnElement[bool], known: Known) -> int:
        period = period_of(self._spec, self._report.report_date, self._workspace)
        log = ASSIGNMENT_LOG.c
        with self._lake.reading():
            counted = self._lake.query(
                select(func.count()).where(
                    log.local_day.between(period.first_day, period.last_day),
                    log.occurred_at < self._report.as_of,
                    *filter_conditions(self._spec.filters, known),
                    condition,
                )
            )
        return int(counted.column(0)[0].as_py())


def _is_match(filters: Filters, known: Known) -> ColumnElement[bool]:
    """Return a condition that is never NULL, as a plain one is for unassigned rows."""
    return func.coalesce(and_(*filter_conditions(filters, known)), False)


def _variant_formats(spec: ReportSpec, subscription: Subscription) -> tuple[Format, ...]:
    """Return the formats of a variant: those that are attached, and the page that the mail links to."""
    return tuple(
        format_ for format_ in spec.formats if format_ is Format.HTML or format_ in subscription.attach
    )


def _variant_name(spec: ReportSpec, base: ReportSpec, formats: tuple[Format, ...]) -> str:
    """Return the folder name of a variant, such as `de-masked-3f2a90c1b5d7e846`."""
    parts: list[str] = [spec.language] if spec.language != base.language else []
    parts += ["masked"] if spec.mask_contacts and not base.mask_contacts else []
    fields = {*Presentation.model_fields, "filters"} - {"brand", "formats"}
    identity = [spec.model_dump(mode="json", include=fields), formats]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return "-".join([*parts, digest[:16]]).lower()
