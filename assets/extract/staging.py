"""Staging of a source's rows: parse their times, buffer them by local day, then classify the days.

It knows neither files nor databases, nor where the result is stored. Classification is in
`classification.py`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.events import FIRST, LAST
from assets.extract import times
from assets.extract.classification import PLACED, ClassifiedRows, DayCut, classify
from assets.extract.contract import TEXT_COLUMNS, contract_rows
from assets.extract.day_buffers import DayBuffers
from assets.extract.input_summary import InputSummary, count_text
from assets.extract.text_cleaning import may_be_altered
from assets.runtime import duckdb_engine
from assets.runtime.sql_files import read_sql
from assets.sources.base import Batch, Problem, ReadingOptions, Unreadable

_PIECE_ROWS = 160_000
_TOGETHER_ROWS = 20_000
_FUTURE = timedelta(days=1)
_INSTANT = pa.timestamp("us", "UTC")

_NO_DATE = r"^(0000|\d{4}-00|\d{4}-\d{2}-00|[-+]?inf(inity)?$|nan$|0x)"  # MySQL's modes; floats; a BLOB
_SHOWN = "'occurred_at ''' || left(occurred_at::TEXT, 60) || ''' '"
_REASON = read_sql(__file__, "reason", shown=_SHOWN, no_date=_NO_DATE, digits_only=times.DIGITS_ONLY)

_AS_READ = {"source": "source_as_read"}
_RAW = "to_json(struct_pack(occurred_at := occurred_at::TEXT, {}))::TEXT".format(
    ", ".join(f"{name} := {_AS_READ.get(name, name)}" for name in TEXT_COLUMNS)
)


@dataclass(slots=True)
class _Lost:
    """Rows of one input that belong to no day: their number, and a description of the first."""

    count: int
    first: str


class Staging:
    """Rows of the days *cuts* (of one zone, in order), parsed as *options* configure.

    A row whose time cannot be parsed takes the day of the nearest previous row of its input with a valid
    time, else of the next one. Where there is neither, its day is unknown: the input is noted as unreadable
    on all days. The same holds for times without a zone where none is configured.
    """

    def __init__(
        self, cuts: list[DayCut], options: ReadingOptions, now: datetime, *, is_windowed: bool
    ) -> None:
        self.inputs: dict[str, InputSummary] = {}
        self._cuts = cuts
        self._options = options
        self._now = now
        self._is_windowed = is_windowed
        self._connection = duckdb_engine.temporary()
        self._last_time: dict[str, datetime] = {}
        self._without_day: dict[str, _Lost] = {}
        self._without_zone: dict[str, _Lost] = {}
        self._input_of: dict[str, str] = {}
        self._placed = np.zeros(len(cuts), np.int64)
        self._starts = pa.array([cut.start for cut in cuts], _INSTANT).cast(pa.int64()).to_numpy()
        self._ends = pa.array([cut.until for cut in cuts], _INSTANT).cast(pa.int64()).to_numpy()
        self._buckets = DayBuffers(PLACED)
        self._registered: ZoneInfo | None = None
        self._waiting: list[Batch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._buckets.close()
        self._connection.close()

    def add(self, item: Batch | Unreadable) -> None:
        """Stage one batch, or note an input that could not be read."""
        summary = self.inputs.setdefault(item.origin, InputSummary(item.origin, not self._is_windowed))
        if isinstance(item, Unreadable):
            summary.problems.append(item)
        elif item.is_sample:
            self._look_at(item, summary)
        elif item.rows.num_rows:
            if self._waiting and not _have_one_layout(self._waiting[0], item):
                self._stage_waiting()
            self._waiting.append(item)
            if sum(waiting.rows.num_rows for waiting in self._waiting) >= _TOGETHER_ROWS:
                self._stage_waiting()

    def _stage_waiting(self) -> None:
        """Stage the waiting batches, together if all rows are plain: of small files that saves most time."""
        items, self._waiting = self._waiting, []
        together = self._placed_together(items) if len(items) > 1 else None
        if together is None:
            for item in items:
                placed = self.placed(item)
                self._note_lost(item.origin, placed)
                self._update_summary(self.inputs[item.origin], placed)
                self._keep_rows(placed)
            return
        first = 0
        for item in items:
            placed, first = together.slice(first, item.rows.num_rows), first + item.rows.num_rows
            self._last_time[item.origin] = placed.column("occurred_at")[-1].as_py()
            self._input_of[item.origin] = item.origin
            self._update_summary(self.inputs[item.origin], placed)
        self._keep_rows(together)

    def _placed_together(self, items: list[Batch]) -> pa.RecordBatch | None:
        """Return the rows of several inputs as `placed` does, or None where they may differ together."""
        rows = pa.concat_batches([item.rows for item in items])
        ids = (rows.column(name).cast(pa.string()) for name in rows.schema.names if name.endswith("_id"))
        if any(map(may_be_altered, ids)):
            return None
        at = np.repeat(np.arange(len(items), dtype=np.int32), [item.rows.num_rows for item in items])
        origins = pa.DictionaryArray.from_arrays(at, [item.origin for item in items])
        rows = rows.append_column("origin", origins)
        whole = replace(items[0], rows=rows)
        return self._placed_plainly(contract_rows(whole, self._options), self._zone_of(whole))

    def finish(self) -> None:
        """Note the inputs whose rows have no zone or no day, and those that had no events.

        Inputs that are added later are noted when it is called again.
        """
        self._stage_waiting()
        for origin, lost in sorted(self._without_zone.items()):
            note = (
                f"{origin}: times have no zone: set `timezone` of the source "
                f"({count_text(lost.count, 'row')}; {lost.first})"
            )
            self.inputs[origin].problems.append(Unreadable(origin, note))
        for origin, lost in sorted(self._without_day.items()):
            note = f"{origin}: {count_text(lost.count, 'row')} without a readable time; {lost.first}"
            self.inputs[origin].problems.append(Unreadable(origin, note))
        self._without_zone.clear()
        self._without_day.clear()
        for summary in self.inputs.values():
            summary.conclude()

    @property
    def problems(self) -> list[Unreadable]:
        """Return the inputs that could not be read, wholly or in part, or that had no events."""
        return [problem for origin in sorted(self.inputs) for problem in self.inputs[origin].problems]

    def placed_count(self, days: Collection[date]) -> int:
        """Return how many rows were read for *days*."""
        return int(sum(self._placed[at] for at, cut in enumerate(self._cuts) if cut.day in days))

    def placed(self, item: Batch) -> pa.RecordBatch:
        """Return a batch's rows (`PLACED`) with their instants, and columns `stands_at` and `lacks_zone`."""
        rows = contract_rows(item, self._options)
        self._input_of |= dict.fromkeys(rows.column("origin").dictionary.to_pylist(), item.origin)
        placed = self._placed_plainly(rows, self._zone_of(item))
        if placed is None:
            return self._placed_by_sql(item, rows)
        self._last_time[item.origin] = placed.column("occurred_at")[-1].as_py()
        return placed

    def _placed_plainly(self, rows: pa.RecordBatch, zone: ZoneInfo | None) -> pa.RecordBatch | None:
        """Return *rows* with their instants if all are events with times in ISO 8601, else None."""
        found = times.plain_instants(rows.column("occurred_at"), self._options.time_format, zone)
        if found is None or not _are_events(rows):
            return None
        instants, is_ambiguous = found
        parsed = {"occurred_at": instants, "stands_at": instants, "reason": rows.column("fault")}
        never = pa.repeat(False, rows.num_rows)  # noqa: FBT003 - a value
        return _replace_columns(rows, **parsed, is_ambiguous=is_ambiguous, lacks_zone=never)

    def _look_at(self, sample: Batch, summary: InputSummary) -> None:
        """Note a problem where the rows of a *sample* show that an empty window is not really empty."""
        rows = self.placed(sample)
        events = rows.filter(rows.column("reason").is_null())
        micros = events.column("occurred_at").cast(pa.int64()).to_numpy()
        at = np.searchsorted(self._starts, micros, side="right") - 1
        if not events.num_rows:
            reason = (
                f"none of its first {count_text(rows.num_rows, 'row')} is an event; {_describe_row(rows, 0)}"
            )
            summary.problems.append(
                Unreadable(sample.origin, f"{sample.origin}: {reason}", Problem.GAVE_NOTHING)
            )
        elif ((at >= 0) & (micros < self._ends[at])).any():
            reason = "it has rows of the asked days that comparing its times does not find; give a `query`"
            summary.problems.append(Unreadable(sample.origin, f"{sample.origin}: {reason}"))

    def _placed_by_sql(self, item: Batch, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Parse times of any kind; return each row with its place and the reason it may be no event."""
        kind = rows.schema.field("occurred_at").type
        has_zone = self._register_offsets(item)
        naive = "make_timestamp(epoch_us(wall) - behind)::TIMESTAMPTZ" if has_zone else "NULL::TIMESTAMPTZ"
        skipped = "coalesce(wall >= skipped_from, false)" if has_zone else "false"
        twice = "coalesce(zoned IS NULL AND wall >= twice_from, false)" if has_zone else "false"
        offsets = "ASOF LEFT JOIN offsets ON wall >= wall_from" if has_zone else ""
        self._connection.register("batch", rows)
        self._connection.execute(
            read_sql(
                __file__,
                "timed",
                first=str(FIRST),
                last=str(LAST),
                skipped=skipped,
                twice=twice,
                naive=naive,
                offsets=offsets,
                instant_columns=times.instant_columns(kind, self._options.time_format),
            )
        )
        stands_at, carried = self._place_of_untimed(item)
        lacks_zone = "false" if has_zone else "(fault IS NULL AND zoned IS NULL AND wall IS NOT NULL)"
        names = ", ".join(name for name in PLACED.names if name not in {"occurred_at", "reason", "raw"})
        query = read_sql(
            __file__,
            "placed",
            names=names,
            stands_at=stands_at,
            raw=_RAW,
            reason=_REASON,
            lacks_zone=lacks_zone,
        )
        parameters = {"carried": carried} if "$carried" in stands_at else None
        placed = self._connection.sql(query, params=parameters).to_arrow_table()
        return placed.combine_chunks().to_batches()[0]

    def _zone_of(self, item: Batch) -> ZoneInfo | None:
        """Return the zone of times that state none; a printed log shows the workspace's local time."""
        printed = self._cuts[0].zone if item.is_printed_log else None
        name = self._options.timezone or printed
        return ZoneInfo(name) if name else None

    def _register_offsets(self, item: Batch) -> bool:
        """Register the offsets for times without a zone with DuckDB; return whether their zone is known."""
        zone = self._zone_of(item)
        if zone is not None and zone != self._registered:
            self._connection.register("offsets", times.wall_offsets(zone))
            self._registered = zone
        return zone is not None

    def _place_of_untimed(self, item: Batch) -> tuple[str, datetime | None]:
        """Return SQL for the instant that places a row, and the last valid time before the batch."""
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

    def _note_lost(self, origin: str, placed: pa.RecordBatch) -> None:
        """Count the rows that belong to no day, and remember the first of them."""
        if not placed.column("stands_at").null_count:
            return
        lost = placed.filter(placed.column("stands_at").is_null())
        lacks_zone = lost.column("lacks_zone")
        for rows, noted in (
            (lost.filter(lacks_zone), self._without_zone),
            (lost.filter(pc.invert(lacks_zone)), self._without_day),
        ):
            if rows.num_rows:
                noted.setdefault(origin, _Lost(0, _describe_row(rows, 0))).count += rows.num_rows

    def _update_summary(self, summary: InputSummary, placed: pa.RecordBatch) -> None:
        """Add the rows of a batch to the summary of its input, whatever their day."""
        reasons, instants = placed.column("reason"), placed.column("occurred_at")
        summary.row_count += placed.num_rows
        summary.event_count += reasons.null_count
        if reasons.null_count < placed.num_rows and not summary.first_rejected:
            summary.first_rejected = _describe_row(placed, reasons.is_valid().index(True).as_py())
        ends = pc.min_max(instants).as_py()
        summary.widen(ends["min"], ends["max"])
        future_from = self._now + _FUTURE
        if ends["max"] and ends["max"] > future_from:
            summary.future_count += pc.sum(
                pc.greater(instants, pa.scalar(future_from, instants.type))
            ).as_py()

    def _keep_rows(self, placed: pa.RecordBatch) -> None:
        """Buffer the rows of the requested days, and count them independently of the buffers."""
        micros = placed.column("stands_at").cast(pa.int64()).fill_null(-1).to_numpy()
        at = np.searchsorted(self._starts, micros, side="right") - 1
        is_requested = (at >= 0) & (micros < self._ends[at])
        rows = placed.select(PLACED.names).cast(PLACED)
        if not is_requested.all():  # a slice keeps its whole batch in memory
            rows, at = rows.filter(pa.array(is_requested)), at[is_requested]
        if not rows.num_rows:
            return
        self._placed += np.bincount(at, minlength=len(self._cuts))
        if (np.diff(at) < 0).any():
            order = np.argsort(at, kind="stable")
            at, rows = at[order], rows.take(pa.array(order))
        cuts = [0, *(np.flatnonzero(np.diff(at)) + 1).tolist(), len(at)]
        for first, last in pairwise(cuts):
            self._buckets.add(self._cuts[at[first]].day, rows.slice(first, last - first))

    def pieces(self, days: Collection[date]) -> Iterator[ClassifiedRows]:
        """Yield *days* classified, some at a time, and add the counts to the summaries of the inputs."""
        requested = [day_cut for day_cut in self._cuts if day_cut.day in days]
        piece: list[DayCut] = []
        for cut, following in zip(requested, [*requested[1:], None], strict=True):
            piece.append(cut)
            count = sum(self._buckets.counts[day_cut.day] for day_cut in (*piece, following) if day_cut)
            if following is None or count > _PIECE_ROWS:
                tables = {day_cut.day: self._buckets.take(day_cut.day) for day_cut in piece}
                classified = classify(self._connection, tables, piece, self.problems)
                for origin, (accepted, _, no_change, duplicates) in classified.by_input.items():
                    summary = self.inputs[self._input_of[origin]]
                    summary.accepted += accepted
                    summary.no_change += no_change
                    summary.duplicates += duplicates
                yield classified
                piece = []


def _have_one_layout(one: Batch, other: Batch) -> bool:
    """Return whether the rows of two inputs can be staged together."""
    return (
        one.rows.schema.equals(other.rows.schema)
        and one.columns == other.columns
        and one.is_printed_log == other.is_printed_log
        and "origin" not in one.rows.schema.names
    )


def _are_events(rows: pa.RecordBatch) -> bool:
    """Return whether no row has a fault, and each has a conversation or a contact."""
    has_either = pc.or_(rows.column("conversation_id").is_valid(), rows.column("contact_id").is_valid())
    return bool(rows.column("fault").null_count == rows.num_rows and pc.all(has_either).as_py())


def _describe_row(rows: pa.RecordBatch, at: int) -> str:
    """Return the reason of a row, prefixed with its number where it has one."""
    number, reason = rows.column("row_number")[at].as_py(), rows.column("reason")[at].as_py()
    return reason if number is None else f"row {number:,}: {reason}"


def _replace_columns(rows: pa.RecordBatch, **columns: pa.Array) -> pa.RecordBatch:
    """Return *rows* with *columns* added, or replaced where the name exists."""
    existing = {name: rows.column(name) for name in rows.schema.names}
    return pa.RecordBatch.from_pydict(existing | columns)
