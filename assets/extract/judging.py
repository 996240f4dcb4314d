"""Rows of some days judged: which are accepted, rejected, duplicates or without a change.

DuckDB finds the exceptions by the few columns that tell them; the rows themselves stay where they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets.extract.contract import TEXT_COLUMNS
from assets.warehouse.schema import (
    ASSIGNMENT_EVENTS,
    LOAD_COUNTS,
    REJECTED_EVENTS,
    coded_schema,
    stored_schema,
)

PLACED = pa.schema(
    [
        *(field.with_nullable(True) for field in coded_schema(ASSIGNMENT_EVENTS)),  # noqa: FBT003 - a flag of Arrow
        pa.field("row_number", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.string()),
    ]
)
"""Rows whose time is read: the columns of `assignment_events`, and what may be wrong with a row."""

_ACCEPTED, _REJECTED, _NO_CHANGE, _DUPLICATE = range(4)

_SAME_ASSIGNEE = """(
    previous_assignee_id = assignee_id
    OR (previous_assignee_id IS NULL OR assignee_id IS NULL) AND previous_assignee_name = assignee_name
    OR coalesce(previous_assignee_id, previous_assignee_name, assignee_id, assignee_name) IS NULL)"""

_CELLS = ", ".join(f"coalesce({name}, chr(30))" for name in TEXT_COLUMNS if name != "event_id")
_MADE_IDS = f"""
    SELECT coalesce(event_id, 'row-' || left(sha256(concat_ws(chr(31), epoch_us(occurred_at), {_CELLS})), 32))
    FROM placed ORDER BY place"""  # noqa: S608 - names of the contract

_ONE_BY_ONE = f"""
    SELECT place, CASE WHEN reason IS NOT NULL THEN {_REJECTED} ELSE {_NO_CHANGE} END AS verdict
    FROM placed WHERE reason IS NOT NULL OR previous_stated AND {_SAME_ASSIGNEE}"""  # noqa: S608 - names of the contract

_PLACE_IN_INPUT = f"occurred_at, origin, row_number, {', '.join(n for n in TEXT_COLUMNS if n != 'event_id')}"

_DUPLICATES = f"""
    WITH twice AS (
        SELECT local_day, event_id FROM placed WHERE reason IS NULL
        GROUP BY local_day, event_id HAVING count(*) > 1
    )
    SELECT place, {_DUPLICATE} AS verdict FROM (
        SELECT place, row_number() OVER (PARTITION BY local_day, event_id ORDER BY {_PLACE_IN_INPUT}) AS rank
        FROM placed SEMI JOIN twice USING (local_day, event_id) WHERE reason IS NULL)
    WHERE rank > 1"""  # noqa: S608 - names of the contract

_REJECTED_ROWS = """
    SELECT local_day, origin, coalesce(row_number, -row_number() OVER (
        PARTITION BY local_day, origin, row_number ORDER BY reason, raw)) AS row_number, reason, raw
    FROM placed WHERE reason IS NOT NULL
    UNION ALL SELECT local_day, origin, 0, reason, NULL FROM days, unreadable
    ORDER BY local_day, origin, row_number, reason, raw"""

_Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows of *days*: accepted, rejected, and what became of them, one row of `load_counts` a day.

    Each table is in its order. On every day each input that could not be read is a rejected row.
    """

    days: Sequence[date]
    events: pa.Table
    rejected: pa.Table
    counts: pa.Table


def judge(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[date, pa.Table],
    ends: Sequence[datetime],
    unreadable: Sequence[tuple[str, str]],
) -> Judged:
    """Judge the rows (`PLACED`) of each day of *tables*; the days end at *ends*.

    *unreadable* are inputs that could not be read, each with its reason.
    """
    days, lengths = list(tables), [table.num_rows for table in tables.values()]
    day_of_row = np.repeat(np.arange(len(days)), lengths)
    placed = (
        pa.concat_tables(tables.values())
        .combine_chunks()
        .append_column("local_day", pa.array(days, pa.date32()).take(pa.array(day_of_row)))
    )
    placed = placed.append_column("place", pa.array(np.arange(placed.num_rows)))
    connection.register("placed", placed)
    if placed["event_id"].null_count:
        at = placed.schema.get_field_index("event_id")
        made = connection.sql(_MADE_IDS).to_arrow_table().column(0)
        placed = placed.set_column(at, "event_id", made)
        connection.register("placed", placed)
    verdicts = _verdicts(connection, placed)
    return Judged(
        days,
        _in_order(placed, np.flatnonzero(verdicts == _ACCEPTED)),
        _rejected(connection, days, unreadable, has_rows=bool((verdicts == _REJECTED).any())),
        _counts(placed, days, ends, day_of_row, verdicts, len(unreadable)),
    )


def _verdicts(connection: duckdb.DuckDBPyConnection, placed: pa.Table) -> _Numbers:
    """Return the verdict of each row; a duplicate is one whatever else it would be, unless it is rejected."""
    verdicts = np.zeros(placed.num_rows, np.int8)
    for query in (_ONE_BY_ONE,) if _grow(placed["event_id"]) else (_ONE_BY_ONE, _DUPLICATES):
        found = connection.sql(query).to_arrow_table()
        verdicts[found["place"].to_numpy()] = found["verdict"].to_numpy()
    return verdicts


def _grow(event_ids: pa.ChunkedArray) -> bool:
    """Tell whether each id comes after the one before, as counters and times do: none is there twice then.

    A shorter id comes first: 999, 1000. Looking takes a tenth of what grouping takes.
    """
    before, after = event_ids.slice(0, max(0, len(event_ids) - 1)), event_ids.slice(1)
    lengths = pc.binary_length(before), pc.binary_length(after)
    grows = pc.or_(pc.less(*lengths), pc.and_(pc.equal(*lengths), pc.less(before, after)))
    return bool(pc.all(grows, min_count=0).as_py())


def _in_order(placed: pa.Table, accepted: _Numbers) -> pa.Table:
    """Return the *accepted* rows by `occurred_at`, then `event_id`; an instant has but one day."""
    rows = placed if len(accepted) == placed.num_rows else placed.take(pa.array(accepted))
    micros = rows["occurred_at"].cast(pa.int64()).to_numpy()
    if not (micros[:-1] < micros[1:]).all():
        order = _order(rows["event_id"], micros)
        rows = rows.take(pa.array(order)) if (order[:-1] > order[1:]).any() else rows
    return rows.select(stored_schema(ASSIGNMENT_EVENTS).names)


def _order(event_ids: pa.ChunkedArray, micros: _Numbers) -> _Numbers:
    """Return the order of the rows: texts are compared only where times are equal."""
    order = np.argsort(micros, kind="stable")
    equal = micros[order[:-1]] == micros[order[1:]]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if len(tied):
        rows = order[tied]
        ties = pa.table({"at": micros[rows], "event_id": event_ids.take(pa.array(rows))})
        sorted_ties = pc.sort_indices(ties, [("at", "ascending"), ("event_id", "ascending")])
        order[tied] = rows[sorted_ties.to_numpy()]
    return order


def _rejected(
    connection: duckdb.DuckDBPyConnection,
    days: Sequence[date],
    unreadable: Sequence[tuple[str, str]],
    *,
    has_rows: bool,
) -> pa.Table:
    schema = stored_schema(REJECTED_EVENTS)
    if not has_rows and not unreadable:
        return schema.empty_table()
    connection.register("days", pa.table({"local_day": pa.array(days, pa.date32())}))
    inputs = [{"origin": origin, "reason": reason} for origin, reason in unreadable]
    kinds = pa.schema([pa.field("origin", pa.string()), pa.field("reason", pa.string())])
    connection.register("unreadable", pa.Table.from_pylist(inputs, kinds))
    return connection.sql(_REJECTED_ROWS).to_arrow_table().cast(schema)


def _counts(  # noqa: PLR0913, PLR0917 - what is counted
    placed: pa.Table,
    days: Sequence[date],
    ends: Sequence[datetime],
    day_of_row: _Numbers,
    verdicts: _Numbers,
    unreadable_count: int,
) -> pa.Table:
    """Return one row a day of `load_counts`: what became of the rows read."""

    def per_day(where: _Numbers) -> _Numbers:
        return np.bincount(day_of_row[where], minlength=len(days))

    is_accepted = verdicts == _ACCEPTED
    is_cleaned, is_stated = (
        pc.fill_null(placed[name], False).to_numpy()  # noqa: FBT003 - a value
        for name in ("text_cleaned", "previous_stated")
    )
    columns = {
        "local_day": days,
        "loaded_until": ends,
        "read_count": np.bincount(day_of_row, minlength=len(days)),
        "accepted_count": per_day(is_accepted),
        "rejected_count": per_day(verdicts == _REJECTED),
        "duplicate_count": per_day(verdicts == _DUPLICATE),
        "no_change_count": per_day(verdicts == _NO_CHANGE),
        "unreadable_count": np.full(len(days), unreadable_count),
        "cleaned_count": per_day(is_accepted & is_cleaned),
        "unstated_count": per_day(is_accepted & ~is_stated),
        "events_sha256": [""] * len(days),
    }
    return pa.table(columns, schema=stored_schema(LOAD_COUNTS))
