"""A file taken over once: what it holds is tried in a lake of its own, then its days are read from it."""

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

_MOST_REASONS = 20


@dataclass(frozen=True, slots=True)
class Tried:
    """What a file holds: for each day that has rows what became of them, and the commonest reasons."""

    days: pa.Table
    reasons: pa.Table

    @property
    def first_day(self) -> date:
        """The first day that has rows."""
        day: date = self.days["local_day"][0].as_py()
        return day

    @property
    def last_day(self) -> date:
        """The last day that has rows."""
        day: date = self.days["local_day"][-1].as_py()
        return day


def probe_file(options: FilesSource, workspace: Workspace, now: datetime) -> Tried:
    """Load *options* into a lake that is thrown away. Raises ConfigError where no row has a day."""
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
        found = lake.query(
            select(*(counts[name] for name in names)).where(counts.read_count > 0).order_by(counts.local_day)
        )
        count = func.count().label("rows")
        rejected = REJECTED_EVENTS.c
        reasons = lake.query(
            select(rejected.reason, count)
            .group_by(rejected.reason)
            .order_by(count.desc(), rejected.reason)
            .limit(_MOST_REASONS)
        )
    if not found.num_rows:
        said = "; ".join(reasons["reason"].to_pylist())
        raise ConfigError(
            f"{options.path}: has no row since {workspace.first_day}: {said or 'correct `first_day`'}"
        )
    return Tried(found, reasons)


def load_file(file: Path, about: About, workspace: Workspace, config: Config, now: datetime) -> Loaded:
    """Keep *file*, load its days from it, and build them and what looks back to them."""
    keep_import(config.imports / workspace.slug, file, about)
    warehouse = open_warehouse(config, workspace.slug)
    sources = open_sources(workspace, config.imports)
    loaded = load_days(workspace, sources, warehouse, dates_between(about.first_day, about.last_day), now)
    loaded.require_reconciled(workspace.slug)
    for period in periods_of_days([*stale_days(warehouse), *loaded.by_day("read_count")], workspace.zone):
        build_days(warehouse, period).require_reconciled(workspace.slug)
    return loaded
