"""Load whole local days of one workspace: source -> judged rows -> warehouse.

The three tables of a day are replaced with `load_counts` last: a day counts as loaded when it is there.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from threading import Event
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from assets.ahead import ahead
from assets.config import Workspace
from assets.extract.controls import read_controls
from assets.extract.erased import tombstones
from assets.extract.staging import Staging
from assets.periods import DAY, first_instant
from assets.sources.batches import Unreadable
from assets.sources.imports import DaySources
from assets.warehouse.schema import (
    ASSIGNMENT_EVENTS,
    CONTROL_TOTALS,
    LOAD_COUNTS,
    REJECTED_EVENTS,
    stored_schema,
)
from assets.warehouse.warehouse import Warehouse

_DAYS_AT_ONCE = 31
_BATCHES_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the rows read for some days: one row a day of `load_counts`, and the rows stored.

    `placed_count` is the number of rows of these days, counted before they were judged.
    """

    counts: pa.Table
    placed_count: int
    stored_events: int
    stored_rejected: int

    def total(self, column: str) -> int:
        """Return the sum of a column of `load_counts`."""
        return int(pc.sum(self.counts[column]).as_py() or 0)

    def by_day(self, column: str) -> dict[date, int]:
        """Return a column of `load_counts` for each day."""
        return dict(zip(self.counts["local_day"].to_pylist(), self.counts[column].to_pylist(), strict=True))

    @property
    def is_reconciled(self) -> bool:
        """Tell whether read = accepted + rejected + duplicates + no change, and all of it is stored."""
        parts = ("accepted_count", "rejected_count", "duplicate_count", "no_change_count")
        explained = reduce(pc.add, (self.counts[part] for part in parts))
        faults_stored = self.stored_rejected - self.total("rejected_count")
        return (
            self.counts["read_count"].equals(explained)
            and self.total("read_count") == self.placed_count
            and self.total("accepted_count") == self.stored_events
            and faults_stored == self.total("unreadable_count")
        )

    def __str__(self) -> str:
        """Say it as the check's text."""
        return (
            f"{self.placed_count:,} read = {self.total('accepted_count'):,} accepted "
            f"+ {self.total('rejected_count'):,} rejected + {self.total('duplicate_count'):,} duplicates "
            f"+ {self.total('no_change_count'):,} without change; "
            f"{self.stored_events:,} and {self.stored_rejected:,} stored"
        )


def load_days(
    workspace: Workspace, sources: DaySources, warehouse: Warehouse, days: Iterable[date], now: datetime
) -> Loaded:
    """Replace *days* in the warehouse by what *sources* say of them up to *now*.

    Days that have not begun are left out. A source that can be asked for some days is asked for a month at
    a time, so that what an outage in the middle leaves behind are whole months; the next month is read while
    one is stored. Raises SourceUnavailable.
    """
    begun = [day for day in days if first_instant(day, workspace.zone) < now]
    if not begun:
        return Loaded(stored_schema(LOAD_COUNTS).empty_table(), 0, 0, 0)
    controls, broken = read_controls(workspace, begun)
    failed = Event()
    with warehouse.writing(), closing(ahead(_read(workspace, sources, begun, now, broken, failed))) as read:
        warehouse.forget(CONTROL_TOTALS, begun)
        if workspace.conversations_export:
            warehouse.replace_days(CONTROL_TOTALS, begun, controls.to_reader())
        try:
            parts = [_store(warehouse, some, staging) for some, staging in read]
        except BaseException:
            failed.set()
            raise
    return Loaded(
        pa.concat_tables(part.counts for part in parts),
        sum(part.placed_count for part in parts),
        sum(part.stored_events for part in parts),
        sum(part.stored_rejected for part in parts),
    )


def _read(  # noqa: PLR0913, PLR0917 - what a load is
    workspace: Workspace,
    sources: DaySources,
    begun: list[date],
    now: datetime,
    broken: list[Unreadable],
    failed: Event,
) -> Iterator[tuple[list[date], Staging]]:
    """Yield the rows of some days at a time, until storing them has *failed*."""
    zone = workspace.zone
    for source, of_source in sources.parts(begun):
        options = source.options
        naive_zone = ZoneInfo(options.timezone) if options.timezone else None
        for some in _spans(of_source, _DAYS_AT_ONCE if source.is_windowed else len(of_source)):
            end = min(first_instant(some[-1] + DAY, zone), now)
            with ExitStack() as opened:
                staging = opened.enter_context(
                    Staging(some, zone, now, naive_zone=naive_zone, time_format=options.time_format)
                )
                for item in ahead(source.read(first_instant(some[0], zone), end), _BATCHES_AHEAD):
                    if failed.is_set():
                        return
                    staging.add(item)
                for each in broken:
                    staging.add(each)
                staging.finish()
                opened.pop_all()
            yield some, staging


def _spans(days: list[date], length: int) -> Iterator[list[date]]:
    for first in range(0, len(days), length):
        yield days[first : first + length]


def _store(warehouse: Warehouse, days: list[date], staging: Staging) -> Loaded:
    counts, stored_events, stored_rejected = [], 0, 0
    with staging:
        warehouse.forget(LOAD_COUNTS, days)
        erased = tombstones(warehouse)
        for some in ahead(staging.pieces()):
            accepted, refused = some.events.to_reader(), some.rejected.to_reader()
            events = warehouse.replace_days(ASSIGNMENT_EVENTS, some.days, erased.events(accepted))
            rejected = warehouse.replace_days(REJECTED_EVENTS, some.days, erased.rejected(refused))
            counts.append(_with_digests(some.counts, events.sha256))
            stored_events, stored_rejected = stored_events + events.rows, stored_rejected + rejected.rows
        warehouse.replace_days(LOAD_COUNTS, days, pa.concat_tables(counts).to_reader())
        return Loaded(pa.concat_tables(counts), staging.placed_count, stored_events, stored_rejected)


def _with_digests(counts: pa.Table, sha256: dict[date, str]) -> pa.Table:
    digests = pa.array([sha256[day] for day in counts["local_day"].to_pylist()], pa.string())
    return counts.set_column(counts.schema.names.index("events_sha256"), "events_sha256", digests)
