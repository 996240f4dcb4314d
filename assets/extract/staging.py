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
_AS_READ = {"source": "source_as_read"}
_RAW = "to_json(struct_pack(occurred_at := occurred_at::TEXT, {}))::TEXT".format(
    ", ".join(f"{name} := {_AS_READ.get(name, name)}" for name in TEXT_COLUMNS)
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

_STAGE = f"""
    INSERT INTO staged BY NAME
    SELECT local_day, instant AS occurred_at, * EXCLUDE (stands_at, starts, ends, local_day, instant)
    REPLACE (coalesce(event_id, {_MADE_ID}) AS event_id)
    FROM (
        SELECT {_CELLS}, instant, row_number, previous_stated, text_cleaned, time_quality, source_quality,
            $origin AS origin, stands_at, reason,
            CASE WHEN reason IS NOT NULL THEN coalesce(raw, {_RAW}) END AS raw,
            CASE WHEN reason IS NOT NULL THEN 'rejected'
                 WHEN previous_stated AND {_SAME_ASSIGNEE} THEN 'no_change'
                 ELSE 'accepted' END AS verdict
        FROM placed
    ) JOIN days ON stands_at >= starts AND stands_at < ends"""  # noqa: S608 - names of the contract


class Staging:
    """Rows of *days* (without a gap, of *zone*) that occurred before *until*, judged one by one.

    *naive_zone* reads times without zone (None rejects them); *time_format* those not in ISO 8601.
    A row whose time cannot be read stands with the nearest readable row before it in its input, else
    after it. Where there is none, nobody knows its day: the input is noted as unreadable on all days.
    """

    def __init__(
        self,
        days: list[date],
        zone: ZoneInfo,
        until: datetime,
        *,
        naive_zone: ZoneInfo | None = None,
        time_format: str | None = None,
    ) -> None:
        self._connection = engine.connect()
        self._naive_zone = naive_zone
        self._time_format = time_format
        self._last_time: dict[str, datetime] = {}
        self._without_day: dict[str, tuple[int, str]] = {}
        self.placed_count = 0
        starts = [first_instant(day, zone) for day in days]
        ends = [min(first_instant(day + DAY, zone), until) for day in days]
        self._window = {"start": starts[0], "end": ends[-1]}
        instants = pa.timestamp("us", "UTC")
        columns = {"local_day": days, "starts": pa.array(starts, instants), "ends": pa.array(ends, instants)}
        self._connection.register("days", pa.table(columns))
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
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE placed AS SELECT *, {stands_at} AS stands_at, "  # noqa: S608
                f"{_REASON} AS reason FROM timed",
                {"carried": carried} if "$carried" in stands_at else {},
            )
            self._count(item)
            self._connection.execute(_STAGE, {"origin": item.origin})

    def finish(self) -> None:
        """Let the first of several rows with one id stand, and note inputs whose rows have no day."""
        for origin, (count, reason) in sorted(self._without_day.items()):
            note = f"{origin}: {count:,} rows have no readable time, the first: {reason}"
            self.add(Unreadable(origin, note))
        self._mark_duplicates()

    def _timed_sql(self, item: Batch) -> str:
        kind = item.rows.schema.field("occurred_at").type
        naive = "epoch_us(wall) - behind" if self._naive_zone else "NULL"
        offsets = "ASOF LEFT JOIN offsets ON wall >= wall_from" if self._naive_zone else ""
        return f"""
            CREATE OR REPLACE TEMP TABLE timed AS
            SELECT *, coalesce(zoned, make_timestamp({naive})::TIMESTAMPTZ) AS instant
            FROM (SELECT *, {times.instant_columns(kind, self._time_format)} FROM batch) {offsets}"""  # noqa: S608

    def _place_of_untimed(self, item: Batch) -> tuple[str, datetime | None]:
        """Return SQL for the instant at which a row stands, and the last readable time before the batch."""
        first, last, untimed, is_ordered = self._connection.sql(
            "SELECT arg_min(instant, row_number), arg_max(instant, row_number), bool_or(instant IS NULL), "
            "bool_and(row_number IS NOT NULL) FROM timed"
        ).fetchall()[0]
        carried = self._last_time.get(item.origin) or first
        if last:
            self._last_time[item.origin] = last
        if not untimed or not is_ordered:
            return "instant", None
        so_far = "(ORDER BY row_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        return f"coalesce(last_value(instant IGNORE NULLS) OVER {so_far}, $carried)", carried

    def _count(self, item: Batch) -> None:
        """Count, apart from staging, the rows that belong to the days, and remember those without a day."""
        placed, without_day, reason = self._connection.sql(
            "SELECT count(*) FILTER (stands_at >= $start AND stands_at < $end), "
            "count(*) FILTER (stands_at IS NULL), min(reason) FILTER (stands_at IS NULL) FROM placed",
            params=self._window,
        ).fetchall()[0]
        self.placed_count += placed
        if without_day:
            before, first_reason = self._without_day.get(item.origin, (0, reason))
            self._without_day[item.origin] = (before + without_day, first_reason)

    def _mark_duplicates(self) -> None:
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
                    count(*) FILTER (verdict = 'accepted' AND text_cleaned) AS cleaned_count,
                    count(*) FILTER (verdict = 'accepted' AND NOT previous_stated) AS unstated_count,
                    '' AS events_sha256
                FROM days LEFT JOIN staged USING (local_day) GROUP BY local_day, ends)
            ORDER BY local_day"""  # noqa: S608
        )

    def _read(self, query: str) -> pa.RecordBatchReader:
        return self._connection.sql(query).to_arrow_reader(engine.BATCH_ROWS)


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)
