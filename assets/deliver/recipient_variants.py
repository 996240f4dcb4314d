"""What one recipient is sent of a report: in their language, with pseudonyms, or only their part of it.

A part is built from the same days as the archived version, and archived beside it.
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
    """A part cannot be cut from a version whose days are no longer what it counted."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the parts of one issue add up: whole = parts + rest."""

    whole: int
    parts: tuple[int, ...]
    rest: int

    @property
    def is_whole(self) -> bool:
        """Tell whether no assignment is in two parts, and none is lost."""
        return sum(self.parts) + self.rest == self.whole

    def __str__(self) -> str:
        sign = "=" if self.is_whole else "is not"
        terms = " + ".join(f"{part:,}" for part in self.parts)
        return f"{terms} + {self.rest:,} others {sign} {self.whole:,}"


class VariantBuilder:
    """Cuts the parts of one archived *version* of a report."""

    def __init__(self, config: Config, workspace: Workspace, spec: ReportSpec, whole: Archived) -> None:
        self._archive = Archive(config.archive)
        self._lake = open_warehouse(config, workspace.slug)
        self._workspace, self._spec, self._whole = workspace, spec, whole
        self._report = whole.report()

    def part(self, subscription: Subscription, recipient: Recipient) -> Archived:
        """Return what *recipient* is sent: the version itself, or a part of it.

        Raises ReportOutdated.
        """
        manifest = self._whole.manifest
        key = Key(self._workspace.slug, self._spec.name, manifest.report_date)
        kept = self.kept(subscription, recipient, key, manifest.version)
        if kept is not None:
            return kept
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
        """Return what *recipient* was sent of a version of the report *key*, if it is archived."""
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
        """Return the figures of what *recipient* was sent; the whole's, whatever language it was in."""
        part = self.kept(subscription, recipient, key, version)
        if part is not None:
            return part.manifest
        try:
            whole = self._archive.read(key, version)
        except NotArchived:
            return None
        return None if subscription.filters.active else whole.manifest

    def _requested_spec(self, subscription: Subscription, recipient: Recipient) -> ReportSpec:
        """Return the report as *recipient* wants it; the operator's copy is the whole."""
        language = recipient.language or subscription.language
        masks = subscription.mask_contacts if recipient.mask_contacts is None else recipient.mask_contacts
        wishes: dict[str, object] = {}
        if language:
            wishes["language"] = language
        if masks is not None:
            wishes["mask_contacts"] = masks or self._spec.mask_contacts
        if subscription.details_asked <= recipient.details.keys():
            own = subscription.part_of(recipient).model_dump(exclude_defaults=True)
            if own:
                wishes["filters"] = self._spec.filters.model_copy(update=own)
        return self._spec.model_copy(update=wishes)

    def cutting(self, subscription: Subscription, recipients: Collection[Recipient]) -> Coverage | None:
        """Count the different parts of *recipients* and the rest; None where everybody has the whole."""
        if not subscription.details_asked:
            return None
        mine = [each for each in recipients if subscription.details_asked <= each.details.keys()]
        filters = {str(part): part for part in (subscription.part_of(each) for each in mine)}
        with self._lake.reading():
            known = look_up(self._lake, self._spec.filters, *filters.values())
        conditions_of = [_is_match(part, known) for part in filters.values()]
        counts = [self._count_matches(each, known) for each in conditions_of]
        rest = self._count_matches(not_(or_(false(), *conditions_of)), known)
        return Coverage(self._report.total, tuple(counts), rest)

    def _count_matches(self, condition: ColumnElement[bool], known: Known) -> int:
        period = period_of(self._spec, self._report.report_date, self._workspace)
        log = ASSIGNMENT_LOG.c
        with self._lake.reading():
            found = self._lake.query(
                select(func.count()).where(
                    log.local_day.between(period.first_day, period.last_day),
                    log.occurred_at < self._report.as_of,
                    *filter_conditions(self._spec.filters, known),
                    condition,
                )
            )
        return int(found.column(0)[0].as_py())


def _is_match(filters: Filters, known: Known) -> ColumnElement[bool]:
    """Return a condition that is true or false, where a plain one would be NULL for nobody's rows."""
    return func.coalesce(and_(*filter_conditions(filters, known)), False)


def _variant_formats(spec: ReportSpec, subscription: Subscription) -> tuple[Format, ...]:
    """Return the files that a part has: those that are sent, and the page that is linked to."""
    return tuple(each for each in spec.formats if each is Format.HTML or each in subscription.attach)


def _variant_name(spec: ReportSpec, whole: ReportSpec, formats: tuple[Format, ...]) -> str:
    """Return a folder's name for what differs: `de-masked-3f2a90c1b5d7e846`."""
    said: list[str] = [spec.language] if spec.language != whole.language else []
    said += ["masked"] if spec.mask_contacts and not whole.mask_contacts else []
    shown = {*Presentation.model_fields, "filters"} - {"brand", "formats"}
    what = [spec.model_dump(mode="json", include=shown), formats]
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    return "-".join([*said, digest[:16]]).lower()
