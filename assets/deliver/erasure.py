"""Archived reports without a contact that asked to be forgotten: made anew, the old bytes removed.

The events are masked before, in `extract/erasure.py`.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from pydantic import ValidationError

from assets.archive.archive import Archive
from assets.archive.catalog import Catalogue
from assets.archive.index_pages import write_index
from assets.archive.publish import draft_report, publish
from assets.archive.version import Archived, Key, Manifest
from assets.config.deployment import Config
from assets.config.workspace import ReportSpec, Workspace
from assets.deliver.ledger import Ledger
from assets.deliver.outbox import Outbox
from assets.periods import as_of
from assets.warehouse.base import open_warehouse


@dataclass(slots=True)
class Forgotten:
    """What was made anew and what was removed; reports that nobody can make any more are only removed."""

    made: list[Archived] = field(default_factory=list)
    removed: list[tuple[Key, int]] = field(default_factory=list)
    lost: list[Key] = field(default_factory=list)
    mails: int = 0


def forget_in_reports(  # noqa: PLR0913, PLR0917 - what a deployment is
    config: Config,
    workspace: Workspace,
    catalogue: Catalogue,
    ledger: Ledger,
    days: Iterable[date],
    now: datetime,
    say: Callable[[str], None],
) -> Forgotten:
    """Make the reports of *workspace* anew that cover one of *days*; remove older versions and mails."""
    archive, wanted, done = Archive(config.archive), set(days), Forgotten()
    newest: dict[Key, Manifest] = {}
    concerned = set()
    for archived, _, _ in archive.versions():
        manifest = archived.manifest
        key = Key(manifest.workspace, manifest.report, manifest.report_date)
        newest[key] = manifest
        if any(manifest.period.first_day <= day <= manifest.period.last_day for day in wanted):
            concerned.add(key)
    outbox = Outbox(config.archive, workspace.slug)
    with ExitStack() as others:
        for subscription in workspace.subscriptions:  # none of their rounds may send what is read now
            others.enter_context(ledger.sending(workspace.slug, subscription.name))
        for key in sorted(key for key in concerned if key.workspace == workspace.slug):
            say(f"{key.report} of {key.report_date}")
            first_kept = _made_anew(config, workspace, catalogue, key, newest[key], now, done)
            contents = ledger.contents_of(*key, before=first_kept)
            for sha256 in contents:
                outbox.remove(sha256)
            done.mails += len(contents)
            done.removed += archive.remove(key, first_kept)
        forever = datetime.max.replace(tzinfo=UTC)
        done.mails += outbox.prune(forever, ledger.contents())  # what a killed round left, without a row
    catalogue.forget_all_but(archive.held(), workspace.slug)
    write_index(catalogue, config.archive, [workspace.slug])
    return done


def _made_anew(  # noqa: PLR0913, PLR0917 - what a deployment is
    config: Config,
    workspace: Workspace,
    catalogue: Catalogue,
    key: Key,
    manifest: Manifest,
    now: datetime,
    done: Forgotten,
) -> int:
    """Make the report anew; return the number of the first version that may stay."""
    spec = _spec(workspace, key, manifest.configuration.get("report"))
    if spec is None:
        done.lost.append(key)
        return manifest.version + 1
    until = as_of(key.report_date, now, workspace.zone)
    draft = draft_report(open_warehouse(config, workspace.slug), workspace, spec, key.report_date, until)
    archived = publish(draft, Archive(config.archive)).archived
    catalogue.record(archived, draft.report.as_of, now)
    done.made.append(archived)
    return archived.manifest.version


def _spec(workspace: Workspace, key: Key, kept: object) -> ReportSpec | None:
    """Return how the report is made: as configured now, or as it was when it was archived."""
    for spec in workspace.all_reports:
        if spec.name == key.report:
            return spec
    try:
        return ReportSpec.model_validate(kept)
    except ValidationError:  # of another release
        return None
