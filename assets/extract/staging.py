"""One run of the extract stage: batches in; accepted rows, rejected rows and counts out, by local day.

Works in an in-memory DuckDB that spills to the disk. It knows neither files nor databases, nor where
the result is kept.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
from sqlalchemy import Table

from assets.extract import times
from assets.extract.contract import TEXT_COLUMNS, contract_rows
from assets.periods import DAY, first_instant
from assets.sources.batches import Batch, Unreadable
from assets.warehouse import engine
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS, REJECTED_EVENTS, arrow_schema

_SAME_ASSIGNEE = """(
    previous_assignee_id = assignee_id
    OR (previous_assignee_id IS NULL OR assignee_id IS NULL) AND previous_assignee_name = assignee_name
    OR coalesce(previous_assignee_id, previous_assignee_name, assignee_id, assignee_name) IS NULL)"""

_REASON = """CASE
    WHEN fault IS NOT NULL THEN fault
    WHEN instant IS NULL AND occurred_at IS NULL THEN 'occurred_at is empty'
    WHEN instant IS NULL AND wall IS NOT NULL THEN
        'occurred_at ''' || left(occurred_at::TEXT, 60) || ''' has no zone; set `timezone` of the source'
    WHEN instant IS NULL THEN
        'occurred_at ''' || left(occurred_at::TEXT, 60) || ''' is no time; set `time_format` of the source'
    WHEN coalesce(conversation_id, contact_id) IS NULL THEN 'has neither a conversation_id nor a contact_id'
    END"""

_CELLS = ", ".join(TEXT_COLUMNS)
_MADE_ID = "'row-' || left(sha256(concat_ws(chr(31), epoch_us(instant), {})), 32)".format(
    ", ".join(f"coalesce({name}, chr(30))" for name in TEXT_COLUMNS if name != "event_id")
)
_RAW = "to_json(struct_pack(occurred_at := occurred_at::TEXT, {}))::TEXT".format(
    ", ".join(f"{name} := {name}" for name in TEXT_COLUMNS)
)
_PLACE_IN_INPUT = f"occurred_at, origin, row_number, {', '.join(n for n in TEXT_COLUMNS if n != 'event_id')}"

_STAGED = pa.schema(
    [
        pa.field("local_day", pa.date32()),
        *(field.with_nullable(True) for field in arrow_schema(ASSIGNMENT_EVENTS)),  # noqa: FBT003 - a flag of Arrow
        pa.field("row_number", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.string()),
        pa.field("verdict", pa.string()),
    ]
)


class Staging:
    """Rows of *days* of *zone* that occurred before *until*, judged one by one.

    *naive_zone* reads times without zone (None rejects them); *time_format* those not in ISO 8601.
    A row whose time cannot be read stands with the nearest readable row before it in its input, else
    after it, else on *fallback_day*.
    """

    def __init__(  # noqa: PLR0913 - what the configuration says of a source
        self,
        days: list[date],
        zone: ZoneInfo,
        until: datetime,
        *,
        fallback_day: date,
        naive_zone: ZoneInfo | None = None,
        time_format: str | None = None,
    ) -> None:
        self._connection = engine.connect()
        self._naive_zone = naive_zone
        self._time_format = time_format
        self._fallback = first_instant(fallback_day, zone)
        self._last_time: dict[str, datetime] = {}
        starts = [first_instant(day, zone) for day in days]
        ends = [min(first_instant(day + DAY, zone), until) for day in days]
        instants = pa.timestamp("us", "UTC")
        self._connection.register(
            "days",
            pa.table(
                {"local_day": days, "starts": pa.array(starts, instants), "ends": pa.array(ends, instants)}
            ),
        )
        if naive_zone:
            self._connection.register("offsets", times.wall_offsets(naive_zone))
        self._connection.register("empty", _STAGED.empty_table())
        self._connection.execute("CREATE TABLE staged AS SELECT * FROM empty")
        self._connection.execute("CREATE TABLE unreadable (origin TEXT, reason TEXT)")

    def add(self, item: Batch | Unreadable) -> None:
        """Take one batch, or note an input that could not be read."""
        if isinstance(item, Unreadable):
            self._connection.execute("INSERT INTO unreadable VALUES ($1, $2)", [item.origin, item.reason])
        elif item.rows.num_rows:
            self._connection.register("batch", contract_rows(item))
            self._connection.execute(self._timed_sql(item))
            stands_at, carried = self._place_of_untimed(item)
            self._connection.execute(self._staged_sql(stands_at), {"origin": item.origin, "carried": carried})

    def _timed_sql(self, item: Batch) -> str:
        kind = item.rows.schema.field("occurred_at").type
        naive = "epoch_us(wall) - behind" if self._naive_zone else "NULL"
        offsets = "ASOF LEFT JOIN offsets ON wall >= wall_from" if self._naive_zone else ""
        return f"""
            CREATE OR REPLACE TEMP TABLE timed AS
            SELECT *, coalesce(zoned, make_timestamp({naive})::TIMESTAMPTZ) AS instant
            FROM (SELECT *, {times.instant_columns(kind, self._time_format)} FROM batch) {offsets}"""  # noqa: S608

    def _place_of_untimed(self, item: Batch) -> tuple[str, datetime]:
        """Return SQL for the instant at which a row stands, and the last readable time before the batch."""
        first, last, untimed, is_ordered = self._connection.sql(
            "SELECT arg_min(instant, row_number), arg_max(instant, row_number), bool_or(instant IS NULL), "
            "bool_and(row_number IS NOT NULL) FROM timed"
        ).fetchall()[0]
        carried = self._last_time.get(item.origin) or first or self._fallback
        self._last_time[item.origin] = last or carried
        if not untimed or not is_ordered:
            return "coalesce(instant, $carried)", self._fallback
        so_far = "(ORDER BY row_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        return f"coalesce(last_value(instant IGNORE NULLS) OVER {so_far}, $carried)", carried

    def _staged_sql(self, stands_at: str) -> str:
        return f"""
            INSERT INTO staged BY NAME
            SELECT local_day, instant AS occurred_at, * EXCLUDE (stands_at, starts, ends, local_day, instant)
            REPLACE (coalesce(event_id, {_MADE_ID}) AS event_id)
            FROM (
                SELECT {_CELLS}, instant, row_number,
                    previous_stated, text_cleaned, time_quality, source_quality,
                    $origin AS origin, {stands_at} AS stands_at, {_REASON} AS reason,
                    CASE WHEN reason IS NOT NULL THEN coalesce(raw, {_RAW}) END AS raw,
                    CASE WHEN reason IS NOT NULL THEN 'rejected'
                         WHEN previous_stated AND {_SAME_ASSIGNEE} THEN 'no_change'
                         ELSE 'accepted' END AS verdict
                FROM timed
            ) JOIN days ON stands_at >= starts AND stands_at < ends"""  # noqa: S608

    def mark_duplicates(self) -> None:
        """Let the first of several rows with one id stand; call it once, after the last batch."""
        self._connection.execute(
            f"""
            WITH twice AS (
                SELECT local_day, event_id FROM staged WHERE verdict <> 'rejected'
                GROUP BY local_day, event_id HAVING count(*) > 1
            ), ranked AS (
                SELECT staged.rowid AS place, row_number() OVER (
                    PARTITION BY local_day, event_id ORDER BY {_PLACE_IN_INPUT}) AS rank
                FROM staged SEMI JOIN twice USING (local_day, event_id) WHERE verdict <> 'rejected'
            )
            UPDATE staged SET verdict = 'duplicate'
            WHERE rowid IN (SELECT place FROM ranked WHERE rank > 1)"""  # noqa: S608
        )

    def events(self) -> pa.RecordBatchReader:
        """Return the accepted rows in the order of their table."""
        return self._read(
            f"SELECT {_names(ASSIGNMENT_EVENTS)} FROM staged WHERE verdict = 'accepted' "  # noqa: S608
            "ORDER BY local_day, occurred_at, event_id"
        )

    def rejected(self) -> pa.RecordBatchReader:
        """Return the rejected rows, and on every day each input that could not be read."""
        return self._read(
            f"SELECT {_names(REJECTED_EVENTS)} FROM staged WHERE verdict = 'rejected' "  # noqa: S608
            "UNION ALL SELECT local_day, origin, 0, reason, NULL FROM days, unreadable "
            "ORDER BY local_day, origin, row_number, reason, raw"
        )

    def counts(self) -> pa.RecordBatchReader:
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
                    count(*) FILTER (verdict = 'accepted' AND text_cleaned) AS cleaned_count
                FROM days LEFT JOIN staged USING (local_day) GROUP BY local_day, ends)
            ORDER BY local_day"""  # noqa: S608
        )

    def _read(self, query: str) -> pa.RecordBatchReader:
        return self._connection.sql(query).to_arrow_reader(engine.BATCH_ROWS)


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)
