"""Rows of some days judged: which are accepted, rejected, duplicates or without a change. By DuckDB."""

from collections.abc import Sequence
from datetime import date, datetime

import duckdb
import numpy as np
import pyarrow as pa
from sqlalchemy import Table

from assets.extract.contract import TEXT_COLUMNS
from assets.warehouse import engine
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS, REJECTED_EVENTS, arrow_schema

PLACED = pa.schema(
    [
        *(field.with_nullable(True) for field in arrow_schema(ASSIGNMENT_EVENTS)),  # noqa: FBT003 - a flag of Arrow
        pa.field("row_number", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.string()),
    ]
)
"""Rows whose time is read: the columns of `assignment_events`, and what may be wrong with a row."""

_SAME_ASSIGNEE = """(
    previous_assignee_id = assignee_id
    OR (previous_assignee_id IS NULL OR assignee_id IS NULL) AND previous_assignee_name = assignee_name
    OR coalesce(previous_assignee_id, previous_assignee_name, assignee_id, assignee_name) IS NULL)"""

_MADE_ID = "'row-' || left(sha256(concat_ws(chr(31), epoch_us(occurred_at), {})), 32)".format(
    ", ".join(f"coalesce({name}, chr(30))" for name in TEXT_COLUMNS if name != "event_id")
)
_PLACE_IN_INPUT = f"occurred_at, origin, row_number, {', '.join(n for n in TEXT_COLUMNS if n != 'event_id')}"

_JUDGED = f"""
    CREATE OR REPLACE TEMP VIEW judged AS
    SELECT * EXCLUDE (event_id, place), coalesce(event_id, {_MADE_ID}) AS event_id, place,
        CASE WHEN reason IS NOT NULL THEN 'rejected'
             WHEN previous_stated AND {_SAME_ASSIGNEE} THEN 'no_change'
             ELSE 'accepted' END AS verdict
    FROM placed"""  # noqa: S608 - names of the contract

_LATER = f"""
    CREATE OR REPLACE TEMP TABLE later AS
    WITH twice AS (
        SELECT local_day, event_id FROM judged WHERE verdict <> 'rejected'
        GROUP BY local_day, event_id HAVING count(*) > 1
    )
    SELECT place FROM (
        SELECT place, row_number() OVER (PARTITION BY local_day, event_id ORDER BY {_PLACE_IN_INPUT}) AS rank
        FROM judged SEMI JOIN twice USING (local_day, event_id) WHERE verdict <> 'rejected')
    WHERE rank > 1"""  # noqa: S608 - names of the contract

_STAGED = """
    CREATE OR REPLACE TEMP VIEW staged AS
    SELECT judged.* REPLACE (CASE WHEN later.place IS NULL THEN verdict ELSE 'duplicate' END AS verdict)
    FROM judged LEFT JOIN later USING (place)"""

_NUMBERED = """
    SELECT * REPLACE (coalesce(row_number, -row_number() OVER (
        PARTITION BY local_day, origin, row_number ORDER BY reason, raw)) AS row_number)
    FROM staged WHERE verdict = 'rejected'"""


class Judged:
    """The rows of *days*, which end at *ends*: *placed* has them with `local_day`.

    *unreadable* are inputs that could not be read, each with its reason. Good until the next one on the
    same *connection*.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        days: Sequence[date],
        ends: Sequence[datetime],
        placed: pa.Table,
        unreadable: Sequence[tuple[str, str]],
    ) -> None:
        self.days = days
        self._connection = connection
        connection.register("placed", placed.append_column("place", pa.array(np.arange(placed.num_rows))))
        columns = {"local_day": days, "ends": pa.array(ends, pa.timestamp("us", "UTC"))}
        connection.register("days", pa.table(columns))
        inputs = [{"origin": origin, "reason": reason} for origin, reason in unreadable]
        kinds = pa.schema([pa.field("origin", pa.string()), pa.field("reason", pa.string())])
        connection.register("unreadable", pa.Table.from_pylist(inputs, kinds))
        for statement in (_JUDGED, _LATER, _STAGED):
            connection.execute(statement)

    def events(self) -> pa.RecordBatchReader:
        """Return the accepted rows in the order of their table."""
        return self._read(
            f"SELECT {_names(ASSIGNMENT_EVENTS)} FROM staged WHERE verdict = 'accepted' "  # noqa: S608
            "ORDER BY local_day, occurred_at, event_id"
        )

    def rejected(self) -> pa.RecordBatchReader:
        """Return the rejected rows, and on every day each input that could not be read."""
        return self._read(
            f"SELECT {_names(REJECTED_EVENTS)} FROM ({_NUMBERED}) "  # noqa: S608
            "UNION ALL SELECT local_day, origin, 0, reason, NULL FROM days, unreadable "
            "ORDER BY local_day, origin, row_number, reason, raw"
        )

    def counts(self) -> pa.Table:
        """Return one row a day: what became of the rows read."""
        return self._read(
            f"""
            SELECT {_names(LOAD_COUNTS)} FROM (
                SELECT local_day, ends AS loaded_until, count(verdict) AS read_count,
                    count(*) FILTER (verdict = 'accepted') AS accepted_count,
                    count(*) FILTER (verdict = 'rejected') AS rejected_count,
                    count(*) FILTER (verdict = 'duplicate') AS duplicate_count,
                    count(*) FILTER (verdict = 'no_change') AS no_change_count,
                    (SELECT count(*) FROM unreadable) AS unreadable_count,
                    count(*) FILTER (verdict = 'accepted' AND text_cleaned) AS cleaned_count,
                    count(*) FILTER (verdict = 'accepted' AND NOT previous_stated) AS unstated_count,
                    '' AS events_sha256
                FROM days LEFT JOIN staged USING (local_day) GROUP BY local_day, ends)
            ORDER BY local_day"""  # noqa: S608
        ).read_all()

    def _read(self, query: str) -> pa.RecordBatchReader:
        return self._connection.sql(query).to_arrow_reader(engine.BATCH_ROWS)


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)
