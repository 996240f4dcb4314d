"""Archived reports without a contact that asked to be forgotten: made anew, the old bytes removed.

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
    """What was made anew and what was removed; reports that nobody can make any more are only removed."""

    made: list[Archived] = field(default_factory=list)
    removed: list[tuple[Key, int]] = field(default_factory=list)
    lost: list[Key] = field(default_factory=list)
    mails: int = 0


@dataclass(frozen=True, slots=True)
class ReportErasure:
    """What making the reports of *workspace* anew needs; *say* is told which report is worked on."""

    config: Config
    workspace: Workspace
    catalog: Catalog
    ledger: Ledger
    now: datetime
    say: Callable[[str], None]

    def erase(self, days: Iterable[date]) -> ErasureResult:
        """Make the reports anew that cover one of *days*; remove older versions and mails."""
        config, slug = self.config, self.workspace.slug
        archive, outbox, done = Archive(config.archive), Outbox(config.archive, slug), ErasureResult()
        with ExitStack() as others:
            # No round of theirs may send what is read now.
            for subscription in self.workspace.subscriptions:
                others.enter_context(self.ledger.sending(slug, subscription.name))
            for manifest in self._reports_covering(archive, set(days)):
                self.say(f"{manifest.report} of {manifest.report_date}")
                key = Key(manifest.workspace, manifest.report, manifest.report_date)
                first_kept = self._rebuild_report(key, manifest, done)
                contents = self.ledger.contents_of(*key, before=first_kept)
                for sha256 in contents:
                    outbox.remove(sha256)
                done.mails += len(contents)
                done.removed += archive.remove(key, first_kept)
            forever = datetime.max.replace(tzinfo=UTC)
            # A round that was killed leaves mails without a row.
            done.mails += outbox.prune(forever, self.ledger.contents())
        self.catalog.forget_all_but(archive.held(), slug)
        write_index(self.catalog, config.archive, [slug])
        return done

    def _reports_covering(self, archive: Archive, days: set[date]) -> list[Manifest]:
        """Return the newest version of each report of which some version covers one of *days*."""
        newest: dict[Key, Manifest] = {}
        concerned = set()
        for archived, _, _ in archive.versions():
            manifest = archived.manifest
            key = Key(manifest.workspace, manifest.report, manifest.report_date)
            newest[key] = manifest
            if any(manifest.period.first_day <= day <= manifest.period.last_day for day in days):
                concerned.add(key)
        return [newest[key] for key in sorted(concerned) if key.workspace == self.workspace.slug]

    def _rebuild_report(self, key: Key, manifest: Manifest, done: ErasureResult) -> int:
        """Make the report anew; return the number of the first version that may stay."""
        spec = _spec_of_report(self.workspace, key, manifest.configuration.get("report"))
        if spec is None:
            done.lost.append(key)
            return manifest.version + 1
        until = as_of(key.report_date, self.now, self.workspace.zone)
        warehouse = open_warehouse(self.config, self.workspace.slug)
        draft = draft_report(warehouse, self.workspace, spec, key.report_date, until)
        archived = publish_report(draft, Archive(self.config.archive)).archived
        self.catalog.record(archived, draft.report.as_of, self.now)
        done.made.append(archived)
        return archived.manifest.version


def _spec_of_report(workspace: Workspace, key: Key, kept: object) -> ReportSpec | None:
    """Return how the report is made: as configured now, or as it was when it was archived."""
    for spec in workspace.all_reports:
        if spec.name == key.report:
            return spec
    try:
        return ReportSpec.model_validate(kept)
    except ValidationError:  # of another release
        return None
