"""Loading of whole local days of one workspace: read the source, classify its rows, store them.

The three tables of a day are replaced with `load_counts` last: a day counts as loaded once it has a row
there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from threading import Event

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from assets.config.workspace import Workspace
from assets.errors import TotalsDiffer
from assets.extract.classification import DayCut
from assets.extract.control_totals import read_controls
from assets.extract.erasure import read_tombstones
from assets.extract.input_summary import InputSummary, add_summary
from assets.extract.load_plan import LoadPlan, plan_load
from assets.extract.source_teams import store_source_teams
from assets.extract.staging import Staging
from assets.periods import DAY, first_instant, periods_of_days
from assets.runtime.prefetch import prefetch
from assets.sources.base import Batch, ListedSource, Source, Unreadable
from assets.sources.files.imports import DaySources
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import (
    ASSIGNMENT_EVENTS,
    CONTROL_TOTALS,
    LOAD_COUNTS,
    LOG_COUNTS,
    METADATA,
    REJECTED_EVENTS,
    stored_schema,
)

LoadProgress = Callable[[int, int], None]
"""Called with the days stored and the rows read since the last call, by the threads that store and read."""
_DAYS_AT_ONCE = 31
_BATCHES_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a load: one row of `load_counts` per day, and the numbers of stored rows.

    `placed_count` is the number of rows of these days, counted before classification; `causes` states why
    days beyond the requested ones were read; `inputs` holds a summary of each input.
    """

    counts: pa.Table
    placed_count: int
    stored_events: int
    stored_rejected: int
    causes: Mapping[date, str] = field(default_factory=dict)
    inputs: Mapping[str, InputSummary] = field(default_factory=dict)

    def total(self, column: str) -> int:
        """Return the sum of a column of `load_counts`."""
        return int(pc.sum(self.counts[column]).as_py() or 0)

    def by_day(self, column: str) -> dict[date, int]:
        """Return a column of `load_counts` for each day."""
        return dict(zip(self.counts["local_day"].to_pylist(), self.counts[column].to_pylist(), strict=True))

    @property
    def is_reconciled(self) -> bool:
        """Return whether read = accepted + rejected + duplicates + no change, and all of it is stored."""
        parts = ("accepted_count", "rejected_count", "duplicate_count", "no_change_count")
        explained = reduce(pc.add, (self.counts[part] for part in parts))
        faults_stored = self.stored_rejected - self.total("rejected_count")
        return (
            self.counts["read_count"].equals(explained)
            and self.total("read_count") == self.placed_count
            and self.total("accepted_count") == self.stored_events
            and faults_stored == self.total("unreadable_count")
        )

    def require_reconciled(self, slug: str) -> None:
        """Raise TotalsDiffer, which names the workspace *slug*, unless every row is explained and stored."""
        if not self.is_reconciled:
            raise TotalsDiffer(f"{slug}: {self}")

    @property
    def totals(self) -> dict[str, int]:
        """Return the numbers that are reconciled, in words."""
        return {
            "read": self.placed_count,
            "accepted": self.total("accepted_count"),
            "rejected": self.total("rejected_count"),
            "duplicates": self.total("duplicate_count"),
            "without change": self.total("no_change_count"),
            "stored events": self.stored_events,
            "stored rejected events": self.stored_rejected,
        }

    def __str__(self) -> str:
        """Return the text of the reconciliation check."""
        return (
            f"{self.placed_count:,} read = {self.total('accepted_count'):,} accepted "
            f"+ {self.total('rejected_count'):,} rejected + {self.total('duplicate_count'):,} duplicates "
            f"+ {self.total('no_change_count'):,} without change; "
            f"{self.stored_events:,} and {self.stored_rejected:,} stored"
        )


def _ignore(_days: int, _rows: int) -> None:
    """Report no progress."""


def load_days(  # noqa: PLR0913 - what every load needs, and its progress
    workspace: Workspace,
    sources: DaySources,
    warehouse: Warehouse,
    days: Iterable[date],
    now: datetime,
    *,
    progress: LoadProgress = _ignore,
) -> Loaded:
    """Replace *days* in the warehouse with the events that *sources* have for them up to *now*.

    Days that have not begun, and days already loaded up to a later instant, are left out. Stored days whose
    zone, source or files have changed are reloaded too. A windowed source is read a month at a time, so that
    an interrupted load leaves whole months; the next month is read while one is stored. Raises SourceError.
    """
    days, failed = list(days), Event()
    with warehouse.writing():
        plan = plan_load(workspace, sources, warehouse, days, now)
        if not plan.candidates:
            return Loaded(stored_schema(LOAD_COUNTS).empty_table(), 0, 0, 0)
        controls, broken = read_controls(workspace, plan.days)
        inputs, parts, causes = dict[str, InputSummary](), list[Loaded](), dict(plan.causes)
        reading = _Reading(workspace, sources, plan, now, broken, progress)
        with closing(prefetch(reading.spans(failed))) as spans:
            try:
                for span, staging in spans:
                    if not parts:
                        _make_room(warehouse, workspace, plan, controls)
                    affected = plan.concerned(staging.inputs, workspace)
                    causes |= affected
                    stored = [day for day in span if day in plan.days or day in affected]
                    parts.append(_store_days(warehouse, stored, staging))
                    progress(len(stored), 0)
                    for summary in staging.inputs.values():
                        add_summary(inputs, summary)
            except BaseException:
                failed.set()
                raise
        plan.remember(warehouse, inputs)
        store_source_teams(workspace, sources.main, warehouse)
    return Loaded(
        pa.concat_tables(part.counts for part in parts).sort_by("local_day"),
        sum(part.placed_count for part in parts),
        sum(part.stored_events for part in parts),
        sum(part.stored_rejected for part in parts),
        causes,
        inputs,
    )


def _make_room(warehouse: Warehouse, workspace: Workspace, plan: LoadPlan, controls: pa.Table) -> None:
    """Remove obsolete days and control totals: the source has responded, and no day is stored yet."""
    for table in METADATA.sorted_tables if plan.obsolete else ():
        warehouse.forget(table, plan.obsolete)
    warehouse.forget(CONTROL_TOTALS, plan.days)
    if workspace.conversations_export and plan.days:
        warehouse.replace_days(CONTROL_TOTALS, plan.days, controls.to_reader())


@dataclass(frozen=True, slots=True)
class _Reading:
    """The state of reading the days of *plan* up to *now*; *broken* are controls that could not be read."""

    workspace: Workspace
    sources: DaySources
    plan: LoadPlan
    now: datetime
    broken: list[Unreadable]
    progress: LoadProgress

    def spans(self, failed: Event) -> Iterator[tuple[list[date], Staging]]:
        """Yield a few days at a time with their staged rows, until storing them has *failed*."""
        for source, days in self.sources.parts(self.plan.candidates):
            spans = [days]
            if source.is_windowed:
                periods = periods_of_days(days, self.workspace.zone)
                spans = [span for period in periods for span in _split_days(period.days, _DAYS_AT_ONCE)]
            for span in spans:
                staging = self._stage_days(source, span, failed)
                if staging is None:
                    return
                yield span, staging

    def _stage_days(self, source: Source, days: list[date], failed: Event) -> Staging | None:
        cuts = [self._day_cut(day) for day in days]
        with ExitStack() as opened:
            staging = opened.enter_context(
                Staging(cuts, source.options, self.now, is_windowed=source.is_windowed)
            )
            for items in self._inputs_of(source, cuts, staging):
                for item in prefetch(items, _BATCHES_AHEAD):
                    if failed.is_set():
                        return None
                    staging.add(item)
                    if isinstance(item, Batch) and not item.is_sample:
                        self.progress(0, item.rows.num_rows)
            for unreadable in self.broken:
                staging.add(unreadable)
            staging.finish()
            opened.pop_all()
        return staging

    def _inputs_of(
        self, source: Source, cuts: list[DayCut], staging: Staging
    ) -> Iterator[Iterator[Batch | Unreadable]]:
        """Yield what is to be staged: changed files first, whose rows say which days are stored again.

        Of the other files, only those with rows of these days are read.
        """
        plan = self.plan
        if source is not self.sources.main or not plan.inventory or not isinstance(source, ListedSource):
            yield source.read(cuts[0].start, cuts[-1].until)
            return
        yield source.read_inputs(plan.changed)
        staging.finish()
        days = {*plan.days, *plan.concerned(staging.inputs, self.workspace)}
        yield source.read_inputs(plan.files_with(days, self.workspace))

    def _day_cut(self, day: date) -> DayCut:
        zone = self.workspace.zone
        start, end = first_instant(day, zone), first_instant(day + DAY, zone)
        version = self.sources.version_of(day)
        return DayCut(day, self.workspace.timezone, start, end, min(end, self.now), version)


def _split_days(days: list[date], length: int) -> Iterator[list[date]]:
    for first in range(0, len(days), length):
        yield days[first : first + length]


def _store_days(warehouse: Warehouse, days: list[date], staging: Staging) -> Loaded:
    counts, stored_events, stored_rejected = [], 0, 0
    with staging:
        if not days:
            return Loaded(stored_schema(LOAD_COUNTS).empty_table(), 0, 0, 0)
        previous_digests = _stored_digests(warehouse, days)
        warehouse.forget(LOAD_COUNTS, days)
        mask = read_tombstones(warehouse)
        for piece in prefetch(staging.pieces(days)):
            accepted, refused = piece.events.to_reader(), piece.rejected.to_reader()
            events = warehouse.replace_days(ASSIGNMENT_EVENTS, piece.days, mask.events(accepted))
            rejected = warehouse.replace_days(REJECTED_EVENTS, piece.days, mask.rejected(refused))
            changed = [day for day in piece.days if previous_digests.get(day) != events.sha256[day]]
            warehouse.forget(LOG_COUNTS, changed)  # their log is outdated: it is rebuilt
            counts.append(_with_digests(piece.counts, events.sha256))
            stored_events, stored_rejected = stored_events + events.rows, stored_rejected + rejected.rows
        warehouse.replace_days(LOAD_COUNTS, days, pa.concat_tables(counts).to_reader())
        return Loaded(pa.concat_tables(counts), staging.placed_count(days), stored_events, stored_rejected)


def _stored_digests(warehouse: Warehouse, days: list[date]) -> dict[date, str]:
    loads = LOAD_COUNTS.c
    rows = warehouse.query(select(loads.local_day, loads.events_sha256).where(loads.local_day.in_(days)))
    return dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _with_digests(counts: pa.Table, sha256: dict[date, str]) -> pa.Table:
    digests = pa.array([sha256[day] for day in counts["local_day"].to_pylist()], pa.string())
    return counts.set_column(counts.schema.names.index("events_sha256"), "events_sha256", digests)
