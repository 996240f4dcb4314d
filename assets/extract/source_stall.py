"""Detection of stalled sources: no event since an instant, where the same hours of other weeks had many.

Counts stored events only; who is alerted is decided elsewhere. Seven or more days without any event are an
outage: weeks with one are not compared with.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, literal, select, union_all

from assets.config.workspace import Workspace
from assets.extract.classification import DayCut
from assets.extract.staging import Staging
from assets.periods import DAY, first_instant, local_day
from assets.sources.base import Batch, Source
from assets.warehouse.base import Warehouse
from assets.warehouse.reading import remembered
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS

MIN_EXPECTED = 20
"""A silence is a stall where at least this many events are usual."""

_WEEKS, _MIN_WEEKS, _MAX_WEEKS_BACK = 8, 3, 26
_OUTAGE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Stall:
    """A silence: the last event occurred at `since`; from then to `until`, `expected` events are usual."""

    since: datetime
    until: datetime
    expected: int


def find_stall(
    warehouse: Warehouse, workspace: Workspace, until: datetime, *, is_silent: bool = False
) -> Stall | None:
    """Return the stall of a source without events up to *until*, or None where that is not unusual.

    Looks only at days loaded without a gap, unless *is_silent*: the source was queried and has nothing newer.
    """
    counts, loaded_until = _count_by_day(warehouse)
    days = [day for day, count in counts.items() if count]
    if not days:
        return None
    since = newest_event_of(warehouse, max(days))
    if not is_silent:
        until = min(until, _end_of_loaded(workspace, max(days), loaded_until))
    return _stall_between(warehouse, workspace, since, until) if since < until else None


@remembered
def _stall_between(
    warehouse: Warehouse, workspace: Workspace, since: datetime, until: datetime
) -> Stall | None:
    """Return the silence from *since* to *until*, if many events are usual then."""
    counts, _ = _count_by_day(warehouse)
    windows = _earlier_windows(workspace, since, until, counts)
    if len(windows) < _MIN_WEEKS:
        return None
    upper_bound = median(sum(counts[day] for day in _days_between(workspace, *window)) for window in windows)
    if upper_bound < MIN_EXPECTED:
        return None
    usual = median(_events_in(warehouse, workspace, windows))
    return Stall(since, until, int(usual)) if usual >= MIN_EXPECTED else None


def is_silent(
    source: Source, known_files: Collection[str], warehouse: Warehouse, workspace: Workspace, now: datetime
) -> bool:
    """Return whether a source has no event after the newest stored one, up to *now*; store nothing.

    A source of files is silent where no file is new or changed (*known_files* are those that are). Raises
    SourceUnavailable.
    """
    newest = newest_event(warehouse)
    if newest is None:
        return False
    if not source.is_windowed and source.inventory():
        return not known_files
    start = newest + timedelta.resolution
    cut = DayCut(local_day(now, workspace.zone), workspace.timezone, start, now, now, "")
    with Staging([cut], source.options, now, is_windowed=source.is_windowed) as staging:
        for item in source.read(start, now):
            if isinstance(item, Batch) and not item.is_sample and item.rows.num_rows:
                rows = staging.placed(item)
                instants = rows.filter(rows.column("reason").is_null()).column("occurred_at")
                is_new = pc.and_(
                    pc.greater_equal(instants, pa.scalar(start, instants.type)),
                    pc.less(instants, pa.scalar(now, instants.type)),
                )
                if pc.any(is_new).as_py():
                    return False
    return True


@remembered
def _count_by_day(warehouse: Warehouse) -> tuple[dict[date, int], dict[date, datetime]]:
    """Return, by loaded day in order, the accepted events, and the instant up to which it is loaded."""
    loads = LOAD_COUNTS.c
    rows = warehouse.query(
        select(loads.local_day, loads.accepted_count, loads.loaded_until).order_by(loads.local_day)
    )
    days, counts, until = (column.to_pylist() for column in rows.columns)
    return dict(zip(days, counts, strict=True)), dict(zip(days, until, strict=True))


def newest_event(warehouse: Warehouse) -> datetime | None:
    """Return when the newest stored event occurred, or None where there is none."""
    days = [day for day, count in _count_by_day(warehouse)[0].items() if count]
    return newest_event_of(warehouse, max(days)) if days else None


@remembered
def newest_event_of(warehouse: Warehouse, day: date) -> datetime:
    """Return when the newest stored event of *day* occurred, which must have one."""
    events = ASSIGNMENT_EVENTS.c
    result = warehouse.query(select(func.max(events.occurred_at)).where(events.local_day == day))
    newest: datetime = result.column(0)[0].as_py()
    return newest


def _end_of_loaded(workspace: Workspace, day: date, until: dict[date, datetime]) -> datetime:
    """Return the instant up to which days are loaded from *day* on without a gap."""
    while until[day] >= (end := first_instant(day + DAY, workspace.zone)):
        following = local_day(end, workspace.zone)
        if following not in until:
            return end
        day = following
    return until[day]


def _earlier_windows(
    workspace: Workspace, since: datetime, until: datetime, counts: dict[date, int]
) -> list[tuple[datetime, datetime]]:
    """Return the same hours of loaded weeks before *since* without an outage, the latest first."""
    outages = {
        day
        for is_empty, run in groupby(counts, lambda day: not counts[day])
        for days in [list(run)]
        if is_empty and len(days) >= _OUTAGE_DAYS
        for day in days
    }
    windows = []
    for week in range(1, _MAX_WEEKS_BACK + 1):
        start, end = (
            (instant.astimezone(workspace.zone) - 7 * week * DAY).astimezone(UTC)
            for instant in (since, until)
        )
        days = _days_between(workspace, start, end)
        if end <= since and all(day in counts and day not in outages for day in days):
            windows.append((start, end))
        if len(windows) == _WEEKS:
            break
    return windows


def _days_between(workspace: Workspace, start: datetime, end: datetime) -> list[date]:
    first, last = local_day(start, workspace.zone), local_day(end - timedelta.resolution, workspace.zone)
    return [first + n * DAY for n in range((last - first).days + 1)]


def _events_in(
    warehouse: Warehouse, workspace: Workspace, windows: list[tuple[datetime, datetime]]
) -> list[int]:
    events = ASSIGNMENT_EVENTS.c
    counts = (
        select(literal(number).label("week"), func.count().label("count")).where(
            events.local_day.between(
                local_day(start, workspace.zone), local_day(end - timedelta.resolution, workspace.zone)
            ),
            events.occurred_at >= start,
            events.occurred_at < end,
        )
        for number, (start, end) in enumerate(windows)
    )
    totals: list[int] = warehouse.query(union_all(*counts)).column("count").to_pylist()
    return totals
