"""Archived reports without a contact that asked to be forgotten: made anew, the old bytes removed.

The events are masked before, in `extract/erased.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from pydantic import ValidationError

from assets.config import Config, ReportSpec, Workspace
from assets.deliver.archive import Archive, Archived, Key
from assets.deliver.catalogue import Catalogue
from assets.deliver.index import write_index
from assets.deliver.ledger import Ledger
from assets.deliver.outbox import Outbox
from assets.deliver.publish import draft_report, publish
from assets.periods import as_of
from assets.warehouse.lake import Lake


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
    newest = {
        Key(each.workspace, each.report, each.report_date): each
        for each in (archived.manifest for archived, _, _ in archive.versions())
        if each.workspace == workspace.slug
    }
    for key, manifest in sorted(newest.items()):
        if not any(manifest.period.first_day <= day <= manifest.period.last_day for day in wanted):
            continue
        say(f"{key.report} of {key.report_date}")
        spec = _spec(workspace, key, manifest.configuration.get("report"))
        if spec is None:
            done.lost.append(key)
            done.removed += archive.remove(key, manifest.version + 1)
        else:
            until = as_of(key.report_date, now, workspace.zone)
            draft = draft_report(Lake(config.lake, workspace.slug), workspace, spec, key.report_date, until)
            archived = publish(draft, archive).archived
            catalogue.record(archived, draft.report.as_of, now)
            done.made.append(archived)
            done.removed += archive.remove(key, archived.manifest.version)
        done.mails += _remove_mails(config, ledger, key)
    catalogue.forget(done.removed)
    write_index(catalogue, config.archive, [workspace.slug])
    return done


def _spec(workspace: Workspace, key: Key, kept: object) -> ReportSpec | None:
    """Return how the report is made: as configured now, or as it was when it was archived."""
    for spec in workspace.all_reports:
        if spec.name == key.report:
            return spec
    try:
        return ReportSpec.model_validate(kept)
    except ValidationError:  # of another release
        return None


def _remove_mails(config: Config, ledger: Ledger, key: Key) -> int:
    """Remove the bytes of what was sent or waits; a row that waits is sent the next version instead."""
    contents = ledger.contents_of(*key)
    outbox = Outbox(config.archive, key.workspace)
    for sha256 in contents:
        outbox.remove(sha256)
    return len(contents)
