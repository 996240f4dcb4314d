"""What every source yields: batches of raw rows, and inputs that could not be read.

Also how the columns of a source are matched to the contract. No parsing of values here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
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
    first row after the header; null where the input has no order), and optionally `position` (int64, the
    order in which the input gave them, where it is not `row_number`), `fault` with
    `raw` (a row that is no row, and its text), `previous_stated` (bool), `time_quality`, and
    an `origin` of its own. `columns` are contract column -> what of the input it comes from. A *sample* has
    rows of any time, of an input that gave none for the window: they are only looked at.
    """

    rows: pa.RecordBatch
    origin: str
    is_printed_log: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    is_sample: bool = False


class Problem(StrEnum):
    """What keeps an input from being counted on; reports over its days are provisional."""

    UNREADABLE = "input_unreadable"
    GAVE_NOTHING = "input_gave_nothing"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An input, or its rest, that could not be read, or gave nothing; the other inputs go on."""

    origin: str
    reason: str
    problem: Problem = Problem.UNREADABLE


class ReadingOptions(Protocol):
    """How a source's configuration says that its rows are to be understood."""

    @property
    def timezone(self) -> str | None:
        """The zone of times that carry none."""
        ...

    @property
    def time_format(self) -> str | None:
        """How times are written that are not in ISO 8601."""
        ...

    @property
    def assignee_of(self) -> str:
        """Whose assignee an event changes: `contact` or `conversation`."""
        ...

    @property
    def unassigned_values(self) -> tuple[str, ...]:
        """What its columns of names hold for nobody, beside an empty cell."""
        ...


class Unlisted:
    """A source of which only reading tells whether it has changed."""

    __slots__ = ()

    def inventory(self) -> dict[str, str]:
        """Return nothing."""
        return {}


class Source(Protocol):
    """A system that can be asked for a window of time.

    *is_windowed* where it reads no more than that; one that is not is asked for all days at once.
    """

    @property
    def is_windowed(self) -> bool:
        """Tell whether it is worth asking for some days only."""
        ...

    @property
    def options(self) -> ReadingOptions:
        """How its rows are to be understood."""
        ...

    def inventory(self) -> dict[str, str]:
        """Return each input as it is now: what tells a changed one by. Empty where only reading can tell."""
        ...

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield at least every row with `start <= occurred_at < end`, in any order.

        Raises SourceError where nothing can be read.
        """
        ...


def match_columns(names: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return contract column -> source column for a source whose columns are called *names*.

    *mapping* of the configuration comes first; then equal names, short names ("assignee") and the
    eight-column log's header, in any case. Raises ValueError that says what is missing, or there twice.
    """
    names = list(names)
    called = dict[str, list[str]]()
    for name in names:
        called.setdefault(_fold_name(name), []).append(name)
    listed = ", ".join(map(_folded_spaces, names))
    found = {
        column: called[_fold_name(name)] for column, name in mapping.items() if _fold_name(name) in called
    }
    if absent := [(column, name) for column, name in mapping.items() if column not in found]:
        column, name = absent[0]
        near = get_close_matches(_fold_name(name), called, n=1)
        hint = f"; did you mean {called[near[0]][0]!r}?" if near else ""
        raise ValueError(f"column {name!r} (for {column}) is missing; it has {listed}{hint}")
    taken = {_fold_name(name) for name in mapping.values()}
    meant = dict[str, list[str]]()
    for alias, alike in called.items():
        column = LOG_HEADER.get(alias, "") if is_printed_log(names) else ""
        column = column or contract_column(alias.replace(" ", "_"))
        if column in CONTRACT_COLUMNS and alias not in taken:
            meant.setdefault(column, []).extend(alike)
    found = meant | found
    if "occurred_at" not in found:
        raise ValueError(f"column 'occurred_at' is missing; it has {listed}; map one in `columns`")
    if not ASSIGNEE & found.keys():
        raise ValueError(f"column 'assignee' is missing; it has {listed}; map one in `columns`")
    for column, alike in found.items():
        if len(alike) > 1:
            same = (
                "is there twice"
                if len(set(map(_fold_name, alike))) == 1
                else f"and {alike[1]!r} mean the same"
            )
            raise ValueError(f"column {alike[0]!r} {same} ({column}); rename one, or map one in `columns`")
    return {column: alike[0] for column, alike in found.items()}


def _fold_name(name: str) -> str:
    return _folded_spaces(name).lower()


def _folded_spaces(name: str) -> str:
    return " ".join(name.split())


def is_printed_log(names: Iterable[str]) -> bool:
    """Tell whether *names* are the header of the original's log, where "-" stands for nobody."""
    return {_fold_name(name) for name in names} >= LOG_HEADER.keys()
