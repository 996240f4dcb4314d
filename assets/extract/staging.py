"""Rows of a source find their local day: times are read, and batches cut by day and kept.

Then all is read, and the days are judged, some at a time (`judging.py`). It knows neither files nor
databases, nor where the result is kept.
"""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.extract import times
from assets.extract.buckets import Buckets
from assets.extract.contract import TEXT_COLUMNS, contract_rows
from assets.extract.judging import PLACED, Judged, judge
from assets.periods import DAY, first_instant
from assets.sources.batches import Batch, Unreadable
from assets.warehouse import engine

_PIECE_ROWS = 160_000

_REASON = """CASE
    WHEN fault IS NOT NULL THEN fault
    WHEN instant IS NULL AND occurred_at IS NULL THEN 'occurred_at is empty'
    WHEN instant IS NULL AND wall IS NOT NULL THEN
        'occurred_at ''' || left(occurred_at::TEXT, 60) || ''' has no zone; set `timezone` of the source'
    WHEN instant IS NULL THEN
        'occurred_at ''' || left(occurred_at::TEXT, 60) || ''' is no time; set `time_format` of the source'
    WHEN coalesce(conversation_id, contact_id) IS NULL THEN 'has neither a conversation_id nor a contact_id'
    END"""

_AS_READ = {"source": "source_as_read"}
_RAW = "to_json(struct_pack(occurred_at := occurred_at::TEXT, {}))::TEXT".format(
    ", ".join(f"{name} := {_AS_READ.get(name, name)}" for name in TEXT_COLUMNS)
)


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
        self._unreadable: list[tuple[str, str]] = []
        self.placed_count = 0
        self._days = days
        starts = [first_instant(day, zone) for day in days]
        self._ends = [min(first_instant(day + DAY, zone), until) for day in days]
        self._bounds = pa.array([*starts, self._ends[-1]], pa.timestamp("us", "UTC"))
        self._buckets = Buckets(PLACED)
        if naive_zone:
            self._connection.register("offsets", times.wall_offsets(naive_zone))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._buckets.close()
        self._connection.close()

    def add(self, item: Batch | Unreadable) -> None:
        """Take one batch, or note an input that could not be read."""
        if isinstance(item, Unreadable):
            self._unreadable.append((item.origin, item.reason))
        elif item.rows.num_rows:
            rows = contract_rows(item)
            instants = times.plain_instants(rows.column("occurred_at"), self._time_format)
            if instants is None or not _are_events(rows):
                placed = self._placed_by_sql(item, rows)
                self._count_without_day(item.origin, placed)
            else:
                placed = _with(rows, occurred_at=instants, stands_at=instants, reason=rows.column("fault"))
                self._last_time[item.origin] = instants[-1].as_py()
            self._keep(placed)

    def finish(self) -> None:
        """Note the inputs whose rows have no day."""
        for origin, (count, reason) in sorted(self._without_day.items()):
            note = f"{origin}: {count:,} rows have no readable time, the first: {reason}"
            self._unreadable.append((origin, note))

    def _placed_by_sql(self, item: Batch, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Read times of any kind, and say of each row where it stands and why it may be no event."""
        kind = rows.schema.field("occurred_at").type
        naive = "epoch_us(wall) - behind" if self._naive_zone else "NULL"
        offsets = "ASOF LEFT JOIN offsets ON wall >= wall_from" if self._naive_zone else ""
        self._connection.register("batch", rows)
        self._connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE timed AS
            SELECT *, coalesce(zoned, make_timestamp({naive})::TIMESTAMPTZ) AS instant
            FROM (SELECT *, {times.instant_columns(kind, self._time_format)} FROM batch) {offsets}""")  # noqa: S608
        stands_at, carried = self._place_of_untimed(item)
        names = ", ".join(name for name in PLACED.names if name not in {"occurred_at", "reason", "raw"})
        return (
            self._connection.sql(
                f"""
            SELECT {names}, instant AS occurred_at, {stands_at} AS stands_at, reason,
                CASE WHEN reason IS NOT NULL THEN coalesce(raw, {_RAW}) END AS raw
            FROM (SELECT *, {_REASON} AS reason FROM timed)""",  # noqa: S608 - names of the contract
                params={"carried": carried} if "$carried" in stands_at else None,
            )
            .to_arrow_table()
            .combine_chunks()
            .to_batches()[0]
        )

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

    def _count_without_day(self, origin: str, placed: pa.RecordBatch) -> None:
        lost = placed.filter(placed.column("stands_at").is_null())
        if lost.num_rows:
            before, reason = self._without_day.get(origin, (0, pc.min(lost.column("reason")).as_py()))
            self._without_day[origin] = (before + lost.num_rows, reason)

    def _keep(self, placed: pa.RecordBatch) -> None:
        """Keep the rows of the days, and count them apart from that."""
        stands_at = placed.column("stands_at")
        start, end = self._bounds[0], self._bounds[-1]
        is_asked = pc.fill_null(pc.and_(pc.greater_equal(stands_at, start), pc.less(stands_at, end)), False)  # noqa: FBT003
        self.placed_count += is_asked.true_count
        rows = placed.select(PLACED.names).cast(PLACED)
        if is_asked.true_count < rows.num_rows:  # what is kept holds its whole batch
            rows, stands_at = rows.filter(is_asked), stands_at.filter(is_asked)
        if not rows.num_rows:
            return
        micros = stands_at.cast(pa.int64()).to_numpy()
        at = np.searchsorted(self._bounds.cast(pa.int64()).to_numpy(), micros, side="right") - 1
        if (np.diff(at) < 0).any():
            order = np.argsort(at, kind="stable")
            at, rows = at[order], rows.take(pa.array(order))
        cuts = [0, *(np.flatnonzero(np.diff(at)) + 1).tolist(), len(at)]
        for first, last in pairwise(cuts):
            self._buckets.add(self._days[at[first]], rows.slice(first, last - first))

    def pieces(self) -> Iterator[Judged]:
        """Yield all days, judged, some at a time."""
        days: list[date] = []
        for day, following in zip(self._days, [*self._days[1:], None], strict=True):
            days.append(day)
            count = sum(self._buckets.counts[each] for each in (*days, following) if each)
            if following is None or count > _PIECE_ROWS:
                tables = {each: self._buckets.take(each) for each in days}
                ends = [self._ends[self._days.index(each)] for each in days]
                yield judge(self._connection, tables, ends, self._unreadable)
                days = []


def _are_events(rows: pa.RecordBatch) -> bool:
    """Tell whether no row has a fault, and each a conversation or a contact."""
    has_either = pc.or_(rows.column("conversation_id").is_valid(), rows.column("contact_id").is_valid())
    return bool(rows.column("fault").null_count == rows.num_rows and pc.all(has_either).as_py())


def _with(rows: pa.RecordBatch, **columns: pa.Array) -> pa.RecordBatch:
    """Return *rows* with *columns* in the place of those of the same names, or beside."""
    kept = {name: rows.column(name) for name in rows.schema.names}
    return pa.RecordBatch.from_pydict(kept | columns)
