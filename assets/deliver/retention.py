"""Retention: remove old report dates, versions, mails and webhooks, and unused warehouse files."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.config.deployment import Config
from assets.deliver.ledger import Ledger
from assets.deliver.outbox import Outbox
from assets.extract.inbox_retention import prune_inbox
from assets.warehouse.base import open_warehouse

_LONGEST_RUN = timedelta(days=1)  # runs that read or write days end before


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """The number of versions, mails, unused files of warehouse and archive, and webhooks removed."""

    versions: int
    mails: int
    files: int
    webhooks: int


def apply_retention(config: Config, catalog: Catalog, ledger: Ledger, now: datetime) -> RetentionResult:
    """Remove what is older than the configuration keeps, and expire deliveries of removed subscriptions.

    Rows of the ledger are never removed. Raises the first error of a workspace, after the others are done.
    """
    oldest = now.date() - timedelta(config.keep_reports_days) if config.keep_reports_days else date.min
    archive = Archive(config.archive)
    versions, files = archive.prune(config.keep_versions, oldest), archive.tidy(now - _LONGEST_RUN)
    catalog.forget_all_but(archive.held())
    ledger.end_forgotten(
        {(workspace.slug, s.name) for workspace in config.workspaces for s in workspace.subscriptions}, now
    )
    still_needed = ledger.contents(only_open=True)
    before = now - timedelta(config.keep_mails_days)
    mails, webhooks, failed = 0, 0, list[Exception]()
    for workspace in config.workspaces:
        try:
            mails += Outbox(config.archive, workspace.slug).prune(before, still_needed)
            warehouse = open_warehouse(config, workspace.slug)
            files += warehouse.tidy(now - _LONGEST_RUN)
            if config.keep_webhooks_days:
                webhooks += prune_inbox(workspace, warehouse, config.keep_webhooks_days, now)
        except Exception as error:  # noqa: BLE001 - the other workspaces go on
            failed.append(error)
    if versions:
        write_index(catalog, config.archive, sorted({key.workspace for key, _ in versions}))
    if failed:
        raise failed[0]
    return RetentionResult(len(versions), mails, files, webhooks)
