"""The synthetic inbox as a source: it has events up to the present, and those of a day are always the same.

Two weeks at a time are simulated, by the seed and their number. It has flaws of real systems: some events
arrive late, and one row of each day is faulty.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa

from assets.config.source import SyntheticSource
from assets.events import CONTRACT_COLUMNS
from assets.periods import first_instant, local_day
from assets.sources.base import Batch, Unlisted
from assets.sources.synthetic.csv_file import ZONE, find_instants, make_rows
from assets.sources.synthetic.inbox import simulate

_ORIGIN = "synthetic inbox"
_DAYS = 14
_FIRST_AT = timedelta(minutes=1)
_LATE_ONE_IN, _DELAY = 60, timedelta(hours=20)
_SCHEMA = pa.schema([*((name, pa.string()) for name in CONTRACT_COLUMNS), ("row_number", pa.int64())])
_IDS = ("event_id", "contact_id", "conversation_id")


class _Row(NamedTuple):
    """A row of the inbox: its cells, when it happened, and when it arrived."""

    cells: dict[str, str | int | None]
    at: datetime
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Synthetic(Unlisted):
    """The synthetic inbox as it is at *now*; without it, everything has arrived."""

    options: SyntheticSource
    now: datetime | None = None
    is_windowed = True

    def read(self, start: datetime, end: datetime) -> Iterator[Batch]:
        """Yield the rows of the window."""
        first, last = (local_day(instant, ZONE).toordinal() // _DAYS for instant in (start, end))
        for number in range(first, last + 1):
            rows = [
                row.cells
                for row in _simulate_weeks(self.options.seed, self.options.events_per_day, number)
                if start <= row.at < end and (self.now is None or row.arrived_at <= self.now)
            ]
            if rows:
                yield Batch(pa.RecordBatch.from_pylist(rows, _SCHEMA), _ORIGIN)


@lru_cache(maxsize=4)
def _simulate_weeks(seed: int, events_per_day: int, number: int) -> list[_Row]:
    """Return the rows of the two weeks *number*, in order; no other weeks have their ids.

    The first event of each day is just after midnight, so that no day is empty for long.
    """
    rng = random.Random(f"{seed}/{number}")
    first_day = date.fromordinal(number * _DAYS)
    steps = simulate(rng, first_day, _DAYS, _DAYS * events_per_day)
    days = groupby(find_instants(steps, first_day, _DAYS), lambda instant: local_day(instant, ZONE))
    instants, firsts = list[datetime](), set[int]()
    for day, of_day in days:
        firsts.add(len(instants))
        instants += [first_instant(day, ZONE) + _FIRST_AT, *list(of_day)[1:]]
    rows = list[_Row]()
    for at, cells in enumerate(make_rows(rng, steps, iter(instants), hostile=False)):
        event: dict[str, str | int | None] = {
            name: f"{number}{text}" if name in _IDS else text or None for name, text in cells.items()
        }
        is_late = at % _LATE_ONE_IN == 0 and at not in firsts
        arrived_at = instants[at] + _DELAY if is_late else instants[at]
        rows.append(_Row(event | {"row_number": len(rows) + 1}, instants[at], arrived_at))
        if at in firsts:
            faulty = event | {"event_id": f"{event['event_id']}-x", "occurred_at": "#VALUE!"}
            rows.append(_Row(faulty | {"row_number": len(rows) + 1}, instants[at], instants[at]))
    return rows
