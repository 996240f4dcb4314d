"""Import a file once: probe it in a temporary lake, then load its days from it."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from sqlalchemy import func, select

from assets.aggregates.build import build_days
from assets.aggregates.lineage import stale_days
from assets.config.deployment import Config
from assets.config.source import FilesSource
from assets.config.workspace import Workspace
from assets.errors import ConfigError
from assets.extract.load import Loaded, load_days
from assets.periods import dates_between, local_day, periods_of_days
from assets.sources.files.imports import About, DaySources, keep_import
from assets.sources.files.source import Files
from assets.sources.registry import open_sources
from assets.warehouse.base import open_warehouse
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import LOAD_COUNTS, REJECTED_EVENTS

_MAX_REASONS = 20


@dataclass(frozen=True, slots=True)
class Tried:
    """The content of a file: the counts of each day with rows, and the most common rejection reasons."""

    days: pa.Table
    reasons: pa.Table

    @property
    def first_day(self) -> date:
        """Return the first day with rows."""
        day: date = self.days["local_day"][0].as_py()
        return day

    @property
    def last_day(self) -> date:
        """Return the last day with rows."""
        day: date = self.days["local_day"][-1].as_py()
        return day


def probe_file(options: FilesSource, workspace: Workspace, now: datetime) -> Tried:
    """Load *options* into a temporary lake. Raises ConfigError if no row belongs to a day."""
    days = list(dates_between(workspace.first_day, local_day(now, workspace.zone)))
    with TemporaryDirectory(prefix="import-") as folder:
        lake = Lake(Path(folder), workspace.slug)
        load_days(workspace, DaySources(Files(options), []), lake, days, now)
        counts = LOAD_COUNTS.c
        names = (
            "local_day",
            "read_count",
            "accepted_count",
            "rejected_count",
            "duplicate_count",
            "no_change_count",
        )
        days_with_rows = lake.query(
            select(*(counts[name] for name in names)).where(counts.read_count > 0).order_by(counts.local_day)
        )
        count = func.count().label("rows")
        rejected = REJECTED_EVENTS.c
        reasons = lake.query(
            select(rejected.reason, count)
            .group_by(rejected.reason)
            .order_by(count.desc(), rejected.reason)
            .limit(_MAX_REASONS)
        )
    if not days_with_rows.num_rows:
        reason_list = "; ".join(reasons["reason"].to_pylist())
        raise ConfigError(
            f"{options.path}: no rows since {workspace.first_day}: {reason_list or 'correct `first_day`'}"
        )
    return Tried(days_with_rows, reasons)


def load_file(file: Path, about: About, workspace: Workspace, config: Config, now: datetime) -> Loaded:
    """Store *file* as an import, load its days from it, and build them and all days that depend on them."""
    keep_import(config.imports / workspace.slug, file, about)
    warehouse = open_warehouse(config, workspace.slug)
    sources = open_sources(workspace, config.imports, now)
    loaded = load_days(workspace, sources, warehouse, dates_between(about.first_day, about.last_day), now)
    loaded.require_reconciled(workspace.slug)
    for period in periods_of_days([*stale_days(warehouse), *loaded.by_day("read_count")], workspace.zone):
        build_days(warehouse, period).require_reconciled(workspace.slug)
    return loaded
