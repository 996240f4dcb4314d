"""Link each log row to its subject's previous one, with which the interval that it ends began.

The link is what `assignment_log` stores of ownership: since when the previous owner had held the subject.
"""

from collections.abc import Iterator
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets.aggregates.day_log import DayLog
from assets.warehouse.schema import ASSIGNMENT_LOG, arrow_schema
from assets.warehouse.subjects import subjects_of

_BATCH_ROWS = 250_000
_START = ("held_since", "held_since_day", "held_since_position")

_Numbers = npt.NDArray[np.int64]


class IntervalStarts:
    """The last log row of each subject up to a day: its instant, day and position, by subject."""

    def __init__(self) -> None:
        self._subjects: pa.Array = pa.array([], pa.string())
        self._starts: _Numbers = np.empty((len(_START), 0), np.int64)

    def follow(self, rows: pa.Table) -> None:
        """Go on from *rows*, the result of `open_intervals.last_rows`."""
        subjects = rows["subject"].cast(pa.string()).combine_chunks()
        self._keep(pc.index_in(self._subjects, subjects), subjects, _starts_of(rows, rows["event_day"]))

    def link_days(self, logs: Iterator[tuple[date, DayLog]]) -> Iterator[tuple[date, DayLog]]:
        """Yield *logs*, of days in order, each row with the columns of its interval's start."""
        waiting: list[tuple[date, DayLog]] = []
        row_count = 0
        for day, log in logs:
            waiting.append((day, log))
            row_count += log.rows.num_rows
            if row_count >= _BATCH_ROWS:
                yield from self._link(waiting)
                waiting, row_count = [], 0
        if waiting:
            yield from self._link(waiting)

    def _link(self, logs: list[tuple[date, DayLog]]) -> Iterator[tuple[date, DayLog]]:
        names = ("contact_id", "conversation_id", "assignee_of", "occurred_at", "position")
        rows = pa.concat_tables(log.rows.select(names) for _, log in logs)
        days = np.repeat([day.toordinal() for day, _ in logs], [log.rows.num_rows for _, log in logs])
        found = self._find_starts(rows, pa.array(days - date(1970, 1, 1).toordinal()))
        at = 0
        for day, log in logs:
            part = found.slice(at, log.rows.num_rows)
            at += log.rows.num_rows
            table = log.rows
            for name in _START:
                table = table.append_column(part.schema.field(name), part[name])
            yield day, log.with_rows(table)

    def _find_starts(self, rows: pa.Table, days: pa.Array) -> pa.Table:
        """Return the interval's start for each of *rows*, and remember the last row of each subject."""
        subjects = subjects_of(rows).combine_chunks().dictionary_encode()
        codes, distinct = subjects.indices.to_numpy(), subjects.dictionary
        starts = _starts_of(rows, days)
        known = pc.index_in(self._subjects, distinct)
        is_known = known.is_valid().to_numpy(zero_copy_only=False)
        place = np.full(len(distinct), -1)
        place[known.drop_null().to_numpy()] = np.flatnonzero(is_known)
        order = np.argsort(codes, kind="stable")
        is_first = np.diff(codes[order], prepend=-1) != 0
        previous = np.empty(len(codes), np.int64)
        previous[order] = np.where(is_first, place[codes[order]], np.roll(order, 1) + len(is_known))
        values = np.concatenate([self._starts, starts], axis=1)[:, previous]
        self._keep(known, distinct, starts[:, order[np.roll(is_first, -1)]])
        schema = arrow_schema(ASSIGNMENT_LOG)
        return pa.table(
            {
                name: pa.array(values[at], mask=previous < 0)
                .cast(_WHOLE.get(name, pa.int64()))
                .cast(schema.field(name).type)
                for at, name in enumerate(_START)
            }
        )

    def _keep(self, known: pa.Array, subjects: pa.Array, starts: _Numbers) -> None:
        """Replace *subjects* by *starts*; *known* has the place of each kept subject among them."""
        stays = known.is_null()
        kept = self._starts[:, stays.to_numpy(zero_copy_only=False)]
        self._subjects = pa.concat_arrays([self._subjects.filter(stays), subjects])
        self._starts = np.concatenate([kept, starts], axis=1)


_WHOLE = {"held_since_day": pa.int32()}


def _starts_of(rows: pa.Table, days: pa.Array | pa.ChunkedArray) -> _Numbers:
    """Return instants in microseconds, *days* since 1970 and positions of *rows*, a line of each."""
    instants = rows["occurred_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    numbers = (instants, days.cast(pa.int32()).cast(pa.int64()), rows["position"])
    return np.stack([np.asarray(column, np.int64) for column in numbers])
