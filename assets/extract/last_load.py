"""Record each load for `assignment-reports status`: when it was, how far it reached, the newest event."""

from datetime import datetime

import pyarrow.compute as pc

from assets.config.workspace import Workspace
from assets.extract.load import Loaded
from assets.extract.source_stall import newest_event, newest_event_of
from assets.periods import local_day
from assets.state.loads import LastLoad, LoadLog
from assets.warehouse.base import Warehouse


def record_load(
    log: LoadLog, warehouse: Warehouse, workspace: Workspace, loaded: Loaded, now: datetime
) -> None:
    """Record that *workspace* was *loaded* at *now*; only the newest day with events is read."""
    before = log.last_loads().get(workspace.slug)
    until = [pc.max(loaded.counts["loaded_until"]).as_py(), before and before.loaded_until]
    newest = _newest_event(warehouse, workspace, loaded, before)
    log.record(LastLoad(workspace.slug, now, max(filter(None, until), default=None), newest))


def _newest_event(
    warehouse: Warehouse, workspace: Workspace, loaded: Loaded, before: LastLoad | None
) -> datetime | None:
    counts = loaded.by_day("accepted_count")
    days = [day for day, count in counts.items() if count]
    found = [newest_event_of(warehouse, max(days))] if days else []
    if before and before.newest_event and local_day(before.newest_event, workspace.zone) not in counts:
        found.append(before.newest_event)
    return max(found) if found else newest_event(warehouse)
