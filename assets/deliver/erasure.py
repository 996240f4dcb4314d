"""Erase a contact from archived reports: rebuild the reports, and remove older versions and mails.

The events are masked before, in `extract/erasure.py`.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from pydantic import ValidationError

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.archive.publish import draft_report, publish_report
from assets.archive.version import Archived, Key, Manifest
from assets.config.deployment import Config
from assets.config.workspace import ReportSpec, Workspace
from assets.deliver.ledger import Ledger
from assets.deliver.outbox import Outbox
from assets.periods import as_of
from assets.warehouse.base import open_warehouse


@dataclass(slots=True)
class ErasureResult:
    """Rebuilt reports, removed versions, reports that cannot be rebuilt, and the number of removed mails."""

    made: list[Archived] = field(default_factory=list)
    removed: list[tuple[Key, int]] = field(default_factory=list)
    lost: list[Key] = field(default_factory=list)
    mails: int = 0


@dataclass(frozen=True, slots=True)
class ReportErasure:
    """Rebuilds the reports of *workspace*; *say* is called with each report it works on."""

    config: Config
    workspace: Workspace
    catalog: Catalog
    ledger: Ledger
    now: datetime
    say: Callable[[str], None]

    def erase(self, days: Iterable[date]) -> ErasureResult:
        """Rebuild the reports that cover one of *days*; remove older versions and mails."""
        config, slug = self.config, self.workspace.slug
        archive, outbox, result = Archive(config.archive), Outbox(config.archive, slug), ErasureResult()
        with ExitStack() as locks:
            # Their dispatch rounds must not send what is removed here.
            for subscription in self.workspace.subscriptions:
                locks.enter_context(self.ledger.sending(slug, subscription.name))
            for manifest in self._reports_covering(archive, set(days)):
                self.say(f"{manifest.report} of {manifest.report_date}")
                key = Key(manifest.workspace, manifest.report, manifest.report_date)
                first_kept = self._rebuild_report(key, manifest, result)
                contents = self.ledger.contents_of(*key, before=first_kept)
                for sha256 in contents:
                    outbox.remove(sha256)
                result.mails += len(contents)
                result.removed += archive.remove(key, first_kept)
            forever = datetime.max.replace(tzinfo=UTC)
            # A killed round leaves mails without a ledger row.
            result.mails += outbox.prune(forever, self.ledger.contents())
        self.catalog.forget_all_but(archive.held(), slug)
        write_index(self.catalog, config.archive, [slug])
        return result

    def _reports_covering(self, archive: Archive, days: set[date]) -> list[Manifest]:
        """Return the newest version of each report with any version that covers one of *days*."""
        newest: dict[Key, Manifest] = {}
        affected = set()
        for archived, _, _ in archive.versions():
            manifest = archived.manifest
            key = Key(manifest.workspace, manifest.report, manifest.report_date)
            newest[key] = manifest
            if any(manifest.period.first_day <= day <= manifest.period.last_day for day in days):
                affected.add(key)
        return [newest[key] for key in sorted(affected) if key.workspace == self.workspace.slug]

    def _rebuild_report(self, key: Key, manifest: Manifest, result: ErasureResult) -> int:
        """Rebuild the report; return the number of the first version that may stay."""
        spec = _spec_of_report(self.workspace, key, manifest.configuration.get("report"))
        if spec is None:
            result.lost.append(key)
            return manifest.version + 1
        until = as_of(key.report_date, self.now, self.workspace.zone)
        warehouse = open_warehouse(self.config, self.workspace.slug)
        draft = draft_report(warehouse, self.workspace, spec, key.report_date, until)
        archived = publish_report(draft, Archive(self.config.archive)).archived
        self.catalog.record(archived, draft.report.as_of, self.now)
        result.made.append(archived)
        return archived.manifest.version


def _spec_of_report(workspace: Workspace, key: Key, archived_spec: object) -> ReportSpec | None:
    """Return the report's configuration: the current one, else the archived one if this release reads it."""
    for spec in workspace.all_reports:
        if spec.name == key.report:
            return spec
    try:
        return ReportSpec.model_validate(archived_spec)
    except ValidationError:  # written by another release
        return None
