"""Building of the log and the daily counts of whole days, with the number of events per outcome.

`log_counts` is deleted first and written last: a day counts as built once it has a row there.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from sqlalchemy import ColumnElement, ScalarSelect, Table, func, select

from assets.aggregates.day_log import DayLog, counts_by_source, log_of_day
from assets.aggregates.interval_starts import IntervalStarts
from assets.aggregates.lineage import Loaded, read_loaded
from assets.aggregates.open_intervals import keep_month, known_month, last_rows
from assets.aggregates.previous_assignee import (
    has_earlier_ids,
    id_hashes,
    known_assignees,
    rows_of_shared_ids,
)
from assets.aggregates.repeated_rows import find_repeated
from assets.errors import TotalsDiffer
from assets.periods import DAY, Period, periods_of_days
from assets.runtime.prefetch import prefetch
from assets.warehouse.base import Warehouse
from assets.warehouse.days import of_day
from assets.warehouse.schema import (
    ASSIGNMENT_EVENTS,
    ASSIGNMENT_LOG,
    DAILY_SOURCE_AGGREGATES,
    LOAD_COUNTS,
    LOG_COUNTS,
    coded_schema,
    stored_schema,
)

_PIECE_EVENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Piece:
    """Days that are built together, and whether each of their events states its previous assignee."""

    period: Period
    states_all: bool


@dataclass(frozen=True, slots=True)
class Built:
    """The result of a build: the log rows of each built day, and the totals of every step."""

    log_counts: dict[date, int]
    accepted: int
    logged: int
    no_change: int
    repeated: int
    counted: int

    @property
    def log_is_whole(self) -> bool:
        """Return whether every accepted event is logged, without change, or repeated."""
        return self.accepted == self.logged + self.no_change + self.repeated

    @property
    def counts_are_whole(self) -> bool:
        """Return whether every log row is counted."""
        return self.logged == self.counted

    @property
    def log_totals(self) -> dict[str, int]:
        """Return the numbers that the log's check compares, in words."""
        return {
            "accepted": self.accepted,
            "logged": self.logged,
            "without change": self.no_change,
            "repeated": self.repeated,
        }

    @property
    def counts_totals(self) -> dict[str, int]:
        """Return the numbers that the counts' check compares, in words."""
        return {"log rows": self.logged, "counted by source": self.counted}

    @property
    def log_text(self) -> str:
        """Return the text of the log's check."""
        return (
            f"{self.accepted:,} accepted = {self.logged:,} logged + {self.no_change:,} without change "
            f"+ {self.repeated:,} repeated"
        )

    @property
    def counts_text(self) -> str:
        """Return the text of the counts' check."""
        return f"{self.logged:,} log rows = {self.counted:,} counted by source"

    def require_reconciled(self, slug: str) -> None:
        """Raise TotalsDiffer, which names the workspace *slug*, unless both checks hold."""
        if not (self.log_is_whole and self.counts_are_whole):
            raise TotalsDiffer(f"{slug}: {self.log_text}; {self.counts_text}")


def build_days(warehouse: Warehouse, period: Period) -> Built:
    """Build the loaded days of *period*, and all days without a log or with changed earlier days."""
    with warehouse.writing():
        loaded, asked = read_loaded(warehouse), set(period.days)
        days = [day for day, each in loaded.items() if each.is_stale or day in asked]
        warehouse.forget(LOG_COUNTS, days)
        if days:
            _build_pieces(warehouse, days, period.zone, loaded)
            keep_month(warehouse, days, {day: each.history for day, each in loaded.items()})
        return _count_stored(warehouse, days)


def _build_pieces(
    warehouse: Warehouse, days: list[date], zone: ZoneInfo, loaded: Mapping[date, Loaded]
) -> None:
    pieces = _cut_pieces(days, zone, loaded)
    repeated = _find_repeated(warehouse, days, loaded)
    month = known_month(warehouse, days[0], {day: each.history for day, each in loaded.items()})
    counts, log_counts = [], list[dict[str, object]]()

    def logged() -> Iterator[pa.RecordBatch]:
        for day, log in prefetch(_build_logs(warehouse, pieces, repeated, month)):
            log_counts.append(
                {
                    "local_day": day,
                    "log_count": log.rows.num_rows,
                    "no_change_count": log.no_change_count,
                    "repeated_count": log.repeated_count,
                    "inferred_count": log.inferred_count,
                    "accepted_count": log.rows.num_rows + log.no_change_count + log.repeated_count,
                    "history_sha256": loaded[day].history,
                    "log_sha256": log.sha256,
                }
            )
            counts.append(of_day(day, counts_by_source(log.rows)))
            yield from of_day(day, log.rows).to_batches()

    schema = coded_schema(ASSIGNMENT_LOG).insert(0, pa.field("local_day", pa.date32()))
    warehouse.replace_days(ASSIGNMENT_LOG, days, pa.RecordBatchReader.from_batches(schema, logged()))
    warehouse.replace_days(DAILY_SOURCE_AGGREGATES, days, pa.concat_tables(counts).to_reader())
    rows = pa.Table.from_pylist(log_counts, stored_schema(LOG_COUNTS))
    warehouse.replace_days(LOG_COUNTS, days, rows.to_reader())


def _find_repeated(warehouse: Warehouse, days: list[date], loaded: Mapping[date, Loaded]) -> pa.Table:
    """Return the rows whose id an earlier event has; hashes mostly show that there are none.

    Where every source states the previous assignee, all earlier events have taken their ids. Otherwise ids
    that no day of *days* has decide too.
    """
    first, last = days[0], days[-1]
    has_earlier = min(loaded) < first
    if not any(loaded[day].unstated_count for day in days):
        hashes = np.sort(warehouse.query(id_hashes(first, last)).column(0).to_numpy())
        are_distinct = bool((hashes[:-1] != hashes[1:]).all())
        query = has_earlier_ids(first, last)
        if are_distinct and not (has_earlier and warehouse.query(query).column(0)[0].as_py()):
            return stored_schema(ASSIGNMENT_EVENTS).empty_table()
    has_unstated = any(each.unstated_count for day, each in loaded.items() if day <= last)
    since = date.min if has_unstated else first
    return find_repeated(warehouse.query(rows_of_shared_ids(since, last)))


def _build_logs(
    warehouse: Warehouse, pieces: list[_Piece], repeated: pa.Table, month: date | None
) -> Iterator[tuple[date, DayLog]]:
    """Yield the log of each day of *pieces*; *repeated* are the rows whose id an earlier event has.

    *month* is the known one of `open_intervals`, if any.
    """
    starts, days, since = IntervalStarts(), (pieces[0].period.first_day, pieces[-1].period.last_day), date.min
    for piece in pieces:
        first_day = piece.period.first_day
        if first_day > since:
            rows = last_rows(first_day, since, month, columns=("occurred_at", "position"), of_days=days)
            starts.follow(warehouse.stream(rows).read_all())
        yield from starts.link_days(_build_piece(warehouse, piece, repeated))
        month, since = None, piece.period.last_day + DAY


def _build_piece(warehouse: Warehouse, piece: _Piece, repeated: pa.Table) -> Iterator[tuple[date, DayLog]]:
    repeated_days, positions = repeated["local_day"].to_pylist(), repeated["position"].combine_chunks()
    known = None
    if not piece.states_all:
        known = warehouse.stream(known_assignees(piece.period, repeated)).read_all()
    row = 0
    for day, events in warehouse.stored(ASSIGNMENT_EVENTS, piece.period.days):
        of_events = None if known is None else known.slice(row, events.num_rows)
        at = bisect_left(repeated_days, day)
        yield day, log_of_day(events, of_events, positions[at : bisect_right(repeated_days, day)])
        row += events.num_rows


def _cut_pieces(days: list[date], zone: ZoneInfo, loaded: Mapping[date, Loaded]) -> list[_Piece]:
    """Split *days* into periods without a gap, each of about a million events."""
    pieces = []
    for period in periods_of_days(days, zone):
        first, events, unstated = period.first_day, 0, 0
        for day in period.days:
            events += loaded[day].accepted_count
            unstated += loaded[day].unstated_count
            if events >= _PIECE_EVENTS or day == period.last_day:
                pieces.append(_Piece(Period(first, day, zone), states_all=not unstated))
                first, events, unstated = day + DAY, 0, 0
    return pieces


def _count_stored(warehouse: Warehouse, days: list[date]) -> Built:
    """Count the stored rows of *days*, each number in its own table."""

    def total(number: ColumnElement[int], table: Table) -> ScalarSelect[Any]:
        return select(number).select_from(table).where(table.c.local_day.in_(days)).scalar_subquery()

    logs, by_source = LOG_COUNTS.c, DAILY_SOURCE_AGGREGATES
    counts = warehouse.query(
        select(logs.local_day, logs.log_count, logs.no_change_count, logs.repeated_count).where(
            logs.local_day.in_(days)
        )
    ).to_pydict()
    (totals,) = warehouse.query(
        select(
            total(func.sum(LOAD_COUNTS.c.accepted_count), LOAD_COUNTS).label("accepted"),
            total(func.count(), ASSIGNMENT_LOG).label("logged"),
            total(func.sum(by_source.c.assignment_count), by_source).label("counted"),
        )
    ).to_pylist()
    return Built(
        dict(zip(counts["local_day"], counts["log_count"], strict=True)),
        no_change=sum(counts["no_change_count"]),
        repeated=sum(counts["repeated_count"]),
        **{name: int(number or 0) for name, number in totals.items()},
    )
