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
from assets.runtime.code_order import stable_order
from assets.warehouse.schema import ASSIGNMENT_LOG, arrow_schema
from assets.warehouse.subjects import subjects_of

_BATCH_ROWS = 100_000
_START = ("held_since", "held_since_day", "held_since_position")

_Numbers = npt.NDArray[np.int64]


class IntervalStarts:
    """The last log row of each subject up to a day: its instant, day and position, by subject."""

    def __init__(self) -> None:
        self._subjects: list[pa.Array] = []
        self._starts: _Numbers = np.empty((len(_START), 0), np.int64)
        self._count = 0

    def follow(self, rows: pa.Table) -> None:
        """Go on from *rows*, the result of `open_intervals.last_rows`."""
        subjects = rows["subject"].cast(pa.string()).combine_chunks()
        self._keep(self._places_of(subjects), subjects, _starts_of(rows, rows["event_day"]))

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
        starts, places = _starts_of(rows, days), self._places_of(distinct)
        order = stable_order(codes)
        is_first = np.diff(codes[order], prepend=-1) != 0
        found = np.empty_like(starts)
        found[:, order[1:]] = starts[:, order[:-1]]
        firsts = order[is_first]
        found[:, firsts] = self._starts[:, places[codes[firsts]]] if self._count else 0
        is_unknown = np.zeros(len(codes), bool)
        is_unknown[firsts] = places[codes[firsts]] < 0
        self._keep(places, distinct, starts[:, order[np.roll(is_first, -1)]])
        schema = arrow_schema(ASSIGNMENT_LOG)
        return pa.table(
            {
                name: pa.array(found[at], mask=is_unknown)
                .cast(_WHOLE.get(name, pa.int64()))
                .cast(schema.field(name).type)
                for at, name in enumerate(_START)
            }
        )

    def _places_of(self, subjects: pa.Array) -> _Numbers:
        """Return the place of each of *subjects* among those that are kept; -1 for a new one."""
        known = pc.index_in(pa.chunked_array(self._subjects, pa.string()), subjects)
        places = np.full(len(subjects), -1)
        places[known.drop_null().to_numpy()] = np.flatnonzero(known.is_valid().to_numpy())
        return places

    def _keep(self, places: _Numbers, subjects: pa.Array, starts: _Numbers) -> None:
        """Replace what is kept of *subjects*, which are at *places*, by *starts*, and add the new ones."""
        is_new = places < 0
        self._starts[:, places[~is_new]] = starts[:, ~is_new]
        count = self._count + int(is_new.sum())
        if count > self._starts.shape[1]:
            self._starts = np.concatenate([self._starts, np.empty((len(_START), count), np.int64)], axis=1)
        self._starts[:, self._count : count] = starts[:, is_new]
        self._subjects.append(subjects.filter(pa.array(is_new)))
        self._count = count


_WHOLE = {"held_since_day": pa.int32()}


def _starts_of(rows: pa.Table, days: pa.Array | pa.ChunkedArray) -> _Numbers:
    """Return instants in microseconds, *days* since 1970 and positions of *rows*, a line of each."""
    instants = rows["occurred_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    numbers = (instants, days.cast(pa.int32()).cast(pa.int64()), rows["position"])
    return np.stack([np.asarray(column, np.int64) for column in numbers])
