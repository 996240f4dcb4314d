"""What is put away: old report dates, old versions, old mails, and what writers of days left behind."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.config.deployment import Config
from assets.deliver.ledger import Ledger
from assets.deliver.outbox import Outbox
from assets.warehouse.base import open_warehouse

_LONGEST_RUN = timedelta(days=1)  # whoever reads or writes days is done by then


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """How many versions, mails and files of days were removed."""

    versions: int
    mails: int
    files: int


def apply_retention(config: Config, catalog: Catalog, ledger: Ledger, now: datetime) -> RetentionResult:
    """Remove what the configuration does not keep; the ledger's rows stay, and come to an end."""
    oldest = now.date() - timedelta(config.keep_reports_days) if config.keep_reports_days else date.min
    archive = Archive(config.archive)
    versions = archive.prune(config.keep_versions, oldest)
    catalog.forget_all_but(archive.held())
    ledger.end_forgotten({(w.slug, s.name) for w in config.workspaces for s in w.subscriptions}, now)
    wanted = ledger.contents(only_open=True)
    before = now - timedelta(config.keep_mails_days)
    mails = sum(Outbox(config.archive, each.slug).prune(before, wanted) for each in config.workspaces)
    files = sum(open_warehouse(config, each.slug).tidy(now - _LONGEST_RUN) for each in config.workspaces)
    if versions:
        write_index(catalog, config.archive, sorted({key.workspace for key, _ in versions}))
    return RetentionResult(len(versions), mails, files)
