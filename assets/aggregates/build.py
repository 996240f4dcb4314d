"""Build the log and the daily counts of whole days, and say what became of the accepted events.

`log_counts` is forgotten first and written last: a day is built when it is there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Select, Table, func, select

from assets.aggregates.history import history, stale_days
from assets.aggregates.judged import judged_events, repeated_ids
from assets.events import Action
from assets.periods import DAY, Period, periods_of_days
from assets.warehouse.schema import (
    ASSIGNMENT_LOG,
    DAILY_SOURCE_AGGREGATES,
    LOAD_COUNTS,
    LOG_COUNTS,
    stored_schema,
)
from assets.warehouse.warehouse import Warehouse

_PIECE_EVENTS = 1_000_000
_KINDS = {
    "log_count": "logged",
    "no_change_count": "no_change",
    "repeated_count": "repeated",
    "inferred_count": "logged inferred",
}


@dataclass(frozen=True, slots=True)
class Built:
    """The rows of each day that was built, and of all of them before and after each step."""

    log_counts: dict[date, int]
    accepted: int
    logged: int
    no_change: int
    repeated: int
    counted: int

    @property
    def log_is_whole(self) -> bool:
        """Tell whether every accepted event is logged, without change, or repeated."""
        return self.accepted == self.logged + self.no_change + self.repeated

    @property
    def counts_are_whole(self) -> bool:
        """Tell whether every log row is counted."""
        return self.logged == self.counted

    @property
    def log_text(self) -> str:
        """Say it as the log's check."""
        return (
            f"{self.accepted:,} accepted = {self.logged:,} logged + {self.no_change:,} without change "
            f"+ {self.repeated:,} repeated"
        )

    @property
    def counts_text(self) -> str:
        """Say it as the counts' check."""
        return f"{self.logged:,} log rows = {self.counted:,} counted by source"


def build_days(warehouse: Warehouse, period: Period) -> Built:
    """Build the loaded days of *period*, and each later one that had looked back to what changed since."""
    with warehouse.writing():
        before = history(warehouse)
        later = {day for day in stale_days(warehouse) if day > period.last_day}
        days = sorted(later | (before.keys() & set(period.days)))
        warehouse.forget(LOG_COUNTS, days)
        if not days:
            return _tally(warehouse, days)
        found = warehouse.query(repeated_ids(days[0], days[-1])).columns
        repeated = list(zip(*(column.to_pylist() for column in found), strict=True))
        for each in _pieces(warehouse, days, period.zone):
            _build_log(warehouse, each, before, repeated)
        return _tally(warehouse, days)


def _pieces(warehouse: Warehouse, days: list[date], zone: ZoneInfo) -> Iterator[Period]:
    """Cut *days* into periods without a gap of about a million events, which are built in memory."""
    loads = LOAD_COUNTS.c
    rows = warehouse.query(select(loads.local_day, loads.accepted_count))
    events = dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    for period in periods_of_days(days, zone):
        first, held = period.first_day, 0
        for day in period.days:
            held += events[day]
            if held >= _PIECE_EVENTS or day == period.last_day:
                yield Period(first, day, zone)
                first, held = day + DAY, 0


def _build_log(
    warehouse: Warehouse, period: Period, before: dict[date, str], repeated: Sequence[tuple[str, date]]
) -> None:
    kinds: list[pa.Table] = []
    schema = stored_schema(ASSIGNMENT_LOG)

    def logged() -> Iterator[pa.RecordBatch]:
        for batch in warehouse.stream(judged_events(period, repeated)):
            kinds.append(_count_kinds(batch))
            is_logged = pc.equal(batch.column("verdict"), "logged")
            rows = batch if pc.all(is_logged).as_py() else batch.filter(is_logged)  # which copies them
            yield rows.select(schema.names).cast(schema)

    days = period.days
    log = warehouse.replace_days(ASSIGNMENT_LOG, days, pa.RecordBatchReader.from_batches(schema, logged()))
    counts = warehouse.stream(counts_by_day_and_source(period))
    warehouse.replace_days(DAILY_SOURCE_AGGREGATES, days, counts)
    warehouse.replace_days(LOG_COUNTS, days, _log_counts(days, kinds, log.sha256, before).to_reader())


def _count_kinds(batch: pa.RecordBatch) -> pa.Table:
    keys = ["local_day", "verdict", "previous_quality"]
    return pa.table(batch.select(keys)).group_by(keys).aggregate([([], "count_all")])


def _log_counts(
    days: list[date], kinds: list[pa.Table], sha256: dict[date, str], before: dict[date, str]
) -> pa.Table:
    """Return `log_counts`, one row a day."""
    counted: dict[tuple[date, str], int] = {}
    for row in (row for table in kinds for row in table.to_pylist()):
        for key in (row["verdict"], f"{row['verdict']} {row['previous_quality']}"):
            counted[row["local_day"], key] = counted.get((row["local_day"], key), 0) + row["count_all"]
    columns = {name: [counted.get((day, kind), 0) for day in days] for name, kind in _KINDS.items()}
    parts = (columns[name] for name in ("log_count", "no_change_count", "repeated_count"))
    schema = stored_schema(LOG_COUNTS)
    return (
        pa.table(
            columns
            | {
                "local_day": days,
                "accepted_count": [sum(counts) for counts in zip(*parts, strict=True)],
                "log_sha256": [sha256[day] for day in days],
                "history_sha256": [before[day] for day in days],
            }
        )
        .select(schema.names)
        .cast(schema)
    )


def counts_by_day_and_source(period: Period) -> Select[tuple[object, ...]]:
    """Count the log per local day and source, by action, with distinct contacts and conversations."""
    log = ASSIGNMENT_LOG.c
    by_action = (
        func.count().filter(log.action == action.value).label(f"{action.value}_count") for action in Action
    )
    return (
        select(
            log.local_day,
            log.source,
            func.count().label("assignment_count"),
            *by_action,
            func.count(log.contact_id.distinct()).label("contact_count"),
            func.count(log.conversation_id.distinct()).label("conversation_count"),
        )
        .where(log.local_day.between(period.first_day, period.last_day))
        .group_by(log.local_day, log.source)
        .order_by(log.local_day, log.source)
    )


def _tally(warehouse: Warehouse, days: list[date]) -> Built:
    """Count what is stored of *days*, each number in the table that it is about."""

    def total(number: Select[tuple[int]], table: Table) -> int:
        found = warehouse.query(number.select_from(table).where(table.c.local_day.in_(days)))
        return int(found.column(0)[0].as_py() or 0)

    logs = LOG_COUNTS.c
    rows = warehouse.query(select(logs.local_day, logs.log_count).where(logs.local_day.in_(days)))
    return Built(
        dict(zip(*(column.to_pylist() for column in rows.columns), strict=True)),
        accepted=total(select(func.sum(LOAD_COUNTS.c.accepted_count)), LOAD_COUNTS),
        logged=total(select(func.count()), ASSIGNMENT_LOG),
        no_change=total(select(func.sum(logs.no_change_count)), LOG_COUNTS),
        repeated=total(select(func.sum(logs.repeated_count)), LOG_COUNTS),
        counted=total(select(func.sum(DAILY_SOURCE_AGGREGATES.c.assignment_count)), DAILY_SOURCE_AGGREGATES),
    )
