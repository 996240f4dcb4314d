"""Delete received webhooks of days that are loaded to their end; these days stay as they were loaded.

Which events a later day still needs is known by `sources/webhooks/inbox.py`.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pyarrow as pa
from sqlalchemy import select

from assets.config.base import resolve_secret
from assets.config.source import IMPORTED, PRUNED, WebhookSource
from assets.config.workspace import Workspace
from assets.periods import DAY, first_instant, local_day
from assets.sources.respond_io.webhooks import CONVERSATION, OPENED
from assets.sources.webhooks import inbox
from assets.warehouse.base import Warehouse
from assets.warehouse.loaded_days import loaded_days
from assets.warehouse.schema import LOAD_COUNTS

_MARGIN = timedelta(days=1)  # a day is read with what was received shortly before it


def prune_inbox(workspace: Workspace, warehouse: Warehouse, keep_days: int, now: datetime) -> int:
    """Delete what *workspace* received over *keep_days* ago, up to the first day that is not loaded.

    The days before are marked first: no later load reads them again. What was received since the last contact
    snapshot stays. Return the number of deleted events. Raises SourceError.
    """
    if not isinstance(workspace.source, WebhookSource):
        return 0
    url = resolve_secret(workspace.source.inbox)
    first_at = inbox.first_received_at(url, workspace.slug)
    if first_at is None:
        return 0
    engine = inbox.open_inbox(url)
    limit = min(filter(None, (now - timedelta(keep_days), inbox.last_snapshot_at(engine, workspace.slug))))
    with warehouse.writing():
        first, last = (local_day(instant, workspace.zone) for instant in (first_at, limit))
        loaded = set(_loaded_days(warehouse, workspace))
        end = next((day for day in _days(max(first, workspace.first_day), last) if day not in loaded), last)
        _mark_days(warehouse, end)
    before = first_instant(end, workspace.zone) - _MARGIN
    return inbox.delete_events(engine, workspace.slug, before, history=CONVERSATION, opening=OPENED)


def _days(first: date, end: date) -> Iterator[date]:
    for number in range((end - first).days):
        yield first + number * DAY


def _loaded_days(warehouse: Warehouse, workspace: Workspace) -> Iterator[date]:
    """Yield the days that are loaded to their end from an inbox that could be read."""
    loads = LOAD_COUNTS.c
    rows = warehouse.query(select(loads.local_day).where(loads.unreadable_count > 0))
    unreadable = set(rows.column(0).to_pylist())
    for day, until in loaded_days(warehouse, workspace).until.items():
        if until >= first_instant(day + DAY, workspace.zone) and day not in unreadable:
            yield day


def _mark_days(warehouse: Warehouse, end: date) -> None:
    """Mark the stored days before *end* that are read from the inbox."""
    loads, order = LOAD_COUNTS.c, LOAD_COUNTS.c.local_day
    is_marked = loads.source_version.startswith(PRUNED) | loads.source_version.startswith(IMPORTED)
    rows = warehouse.query(select(LOAD_COUNTS).where(order < end, ~is_marked).order_by(order))
    if rows.num_rows:
        at = rows.schema.names.index("source_version")
        marked = pa.array([f"{PRUNED}{version}" for version in rows.column(at).to_pylist()], pa.string())
        rows = rows.set_column(at, rows.schema.field(at), marked)
        warehouse.replace_days(LOAD_COUNTS, rows.column("local_day").to_pylist(), rows.to_reader())
