"""What every source yields: batches of raw rows, and inputs that could not be read.

Also how the columns of a source are matched to the contract. No parsing of values here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from assets.events import CONTRACT_COLUMNS, contract_column

CELL_LIMIT = 1 << 20
"""Longest cell, in bytes; a longer one rejects its row."""

LOG_HEADER = {
    "timestamp": "occurred_at",
    "conversation id": "conversation_id",
    "contact id": "contact_id",
    "contact name": "contact_name",
    "previous assignee": "previous_assignee_name",
    "assigned to": "assignee_name",
    "source": "source",
    "assigned by": "assigned_by_name",
}
"""Header of the original's eight-column log, in lower case."""

PREVIOUS = {"previous_assignee_id", "previous_assignee_name"}
ASSIGNEE = {"assignee_id", "assignee_name"}


@dataclass(frozen=True, slots=True)
class Batch:
    """Raw rows of one input.

    `rows` has contract columns (text; `occurred_at` may be a timestamp), `row_number` (int64, 1 =
    first row after the header; null where the input has no order), and optionally `fault` with
    `raw` (a row that is no row, and its text), `previous_stated` (bool), `time_quality`, and
    an `origin` of its own. `columns` are contract column -> what of the input it comes from.
    """

    rows: pa.RecordBatch
    origin: str
    is_printed_log: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An input, or its rest, that could not be read; the other inputs go on."""

    origin: str
    reason: str


class TimeOptions(Protocol):
    """What a source's configuration says of times."""

    @property
    def timezone(self) -> str | None:
        """The zone of times that carry none."""
        ...

    @property
    def time_format(self) -> str | None:
        """How times are written that are not in ISO 8601."""
        ...


class Source(Protocol):
    """A system that can be asked for a window of time.

    *is_windowed* where it reads no more than that; one that is not is asked for all days at once.
    """

    @property
    def is_windowed(self) -> bool:
        """Tell whether it is worth asking for some days only."""
        ...

    @property
    def options(self) -> TimeOptions:
        """How times without a zone, or in another form, are read."""
        ...

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield at least every row with `start <= occurred_at < end`, in any order.

        Raises SourceUnavailable where nothing can be read.
        """
        ...


def match_columns(names: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return contract column -> source column for a source whose columns are called *names*.

    *mapping* of the configuration comes first; then equal names, short names ("assignee") and the
    eight-column log's header, in any case. Raises ValueError that says what is missing.
    """
    names = list(names)
    lower = {name.strip().lower(): name for name in reversed(names)}
    found = {
        column: lower[alias]
        for alias, column in LOG_HEADER.items()
        if alias in lower and is_printed_log(names)
    }
    for alias, name in lower.items():
        column = contract_column(alias.replace(" ", "_"))
        if column in CONTRACT_COLUMNS:
            found.setdefault(column, name)
    for column, name in mapping.items():
        if name.strip().lower() not in lower:
            raise ValueError(f"column {name!r} (for {column}) is missing; it has {', '.join(names)}")
        found[column] = lower[name.strip().lower()]
    if "occurred_at" not in found:
        raise ValueError(f"column 'occurred_at' is missing; it has {', '.join(names)}; map one in `columns`")
    if not ASSIGNEE & found.keys():
        raise ValueError(f"column 'assignee' is missing; it has {', '.join(names)}; map one in `columns`")
    return found


def is_printed_log(names: Iterable[str]) -> bool:
    """Tell whether *names* are the header of the original's log, where "-" stands for nobody."""
    return {name.strip().lower() for name in names} >= LOG_HEADER.keys()
