"""Build the log and the daily counts of whole days, and say what became of the accepted events."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Select, Table, func, select

from assets.aggregates.history import accepted_before
from assets.aggregates.judged import judged_events
from assets.events import Action
from assets.periods import Period
from assets.warehouse.lake import Lake
from assets.warehouse.schema import (
    ASSIGNMENT_LOG,
    DAILY_SOURCE_AGGREGATES,
    LOAD_COUNTS,
    LOG_COUNTS,
    arrow_schema,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows before and after a step, equal when nothing was lost, and the rows that it stored."""

    before: int
    after: int
    stored: int
    text: str

    @property
    def is_equal(self) -> bool:
        """Tell whether nothing was lost or doubled."""
        return self.before == self.after


def build_log(warehouse: Lake, period: Period) -> Tally:
    """Replace the log of *period*; return accepted events against logged + no change + repeated."""
    days = period.days
    kinds: list[pa.Table] = []
    schema = pa.schema([pa.field("local_day", pa.date32()), *arrow_schema(ASSIGNMENT_LOG)])

    def logged() -> Iterator[pa.RecordBatch]:
        for batch in warehouse.stream(judged_events(period)):
            kinds.append(_count_kinds(batch))
            yield batch.filter(pc.equal(batch.column("verdict"), "logged")).select(schema.names).cast(schema)

    stored = warehouse.replace_days(ASSIGNMENT_LOG, days, pa.RecordBatchReader.from_batches(schema, logged()))
    counts = _log_counts(days, kinds, accepted_before(warehouse))
    warehouse.replace_days(LOG_COUNTS, days, counts.to_reader())
    accepted = _sum(warehouse, select(func.sum(LOAD_COUNTS.c.accepted_count)), LOAD_COUNTS, period)
    no_change, repeated = (
        pc.sum(counts[name]).as_py() or 0 for name in ("no_change_count", "repeated_count")
    )
    text = f"{accepted:,} accepted = {stored:,} logged + {no_change:,} without change + {repeated:,} repeated"
    return Tally(accepted, stored + no_change + repeated, stored, text)


def _count_kinds(batch: pa.RecordBatch) -> pa.Table:
    keys = ["local_day", "verdict", "previous_quality"]
    return pa.table(batch.select(keys)).group_by(keys).aggregate([([], "count_all")])


def _log_counts(days: list[date], kinds: list[pa.Table], history: dict[date, int]) -> pa.Table:
    """Return `log_counts`, one row a day."""
    counted: dict[tuple[date, str], int] = {}
    for row in (row for table in kinds for row in table.to_pylist()):
        for key in (row["verdict"], f"{row['verdict']} {row['previous_quality']}"):
            counted[row["local_day"], key] = counted.get((row["local_day"], key), 0) + row["count_all"]
    columns = {
        "log_count": "logged",
        "no_change_count": "no_change",
        "repeated_count": "repeated",
        "inferred_count": "logged inferred",
    }
    rows = {name: [counted.get((day, key), 0) for day in days] for name, key in columns.items()}
    accepted = [
        sum(counts)
        for counts in zip(*(rows[n] for n in ("log_count", "no_change_count", "repeated_count")), strict=True)
    ]
    schema = pa.schema([pa.field("local_day", pa.date32()), *arrow_schema(LOG_COUNTS)])
    rows |= {"accepted_count": accepted, "history_count": [history.get(day, 0) for day in days]}
    return pa.table({"local_day": days, **rows}).select(schema.names).cast(schema)


def build_aggregates(warehouse: Lake, period: Period) -> Tally:
    """Replace the counts per day and source of *period*; return log rows against counted ones."""
    stored = warehouse.replace_days(
        DAILY_SOURCE_AGGREGATES, period.days, warehouse.stream(counts_by_day_and_source(period))
    )
    logged = _sum(warehouse, select(func.count()), ASSIGNMENT_LOG, period)
    counted = _sum(
        warehouse,
        select(func.sum(DAILY_SOURCE_AGGREGATES.c.assignment_count)),
        DAILY_SOURCE_AGGREGATES,
        period,
    )
    return Tally(logged, counted, stored, f"{logged:,} log rows = {counted:,} counted by source")


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


def _sum(warehouse: Lake, number: Select[tuple[int]], table: Table, period: Period) -> int:
    statement = number.select_from(table).where(table.c.local_day.between(period.first_day, period.last_day))
    return int(warehouse.query(statement).column(0)[0].as_py() or 0)
