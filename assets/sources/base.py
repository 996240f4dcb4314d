"""The interface of every source: batches of raw rows, and inputs that could not be read.

Also maps the columns of a source to the contract. Parsing of values belongs in `extract`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from assets.events import CONTRACT_COLUMNS, contract_column

CELL_LIMIT = 1 << 20
"""Maximum length of a cell in bytes; a longer one rejects its row."""

_MAX_LISTED = 500
"""Characters of a header that an error repeats."""

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

    `rows` has contract columns (text; `occurred_at` may be a timestamp), `row_number` (int64, 1 = first row
    after the header; null where the input has no order), and optionally `position` (int64, the order in the
    input where it is not `row_number`), `fault` with `raw` (why a line is no valid row, and its text),
    `previous_stated` (bool), `time_quality`, and an `origin` of its own. `columns` maps contract columns to
    what they are read from. The rows of a *sample* are of any time, from an input without rows in the window:
    they are checked, never stored.
    """

    rows: pa.RecordBatch
    origin: str
    is_printed_log: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    is_sample: bool = False


class Problem(StrEnum):
    """Why an input cannot be relied on; reports over its days are provisional."""

    UNREADABLE = "input_unreadable"
    GAVE_NOTHING = "input_gave_nothing"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An input, or the rest of one, that could not be read or had no events; other inputs are still read.

    Where it *may_pass*, as a read error of a disk, the next load reads the input again, unchanged as it is.
    """

    origin: str
    reason: str
    problem: Problem = Problem.UNREADABLE
    may_pass: bool = False


class ReadingOptions(Protocol):
    """The options of a source's configuration that determine how its rows are parsed."""

    @property
    def timezone(self) -> str | None:
        """Return the zone of times that carry none."""
        ...

    @property
    def time_format(self) -> str | None:
        """Return the format of times that are not in ISO 8601."""
        ...

    @property
    def assignee_of(self) -> str:
        """Return whose assignee an event changes: `contact` or `conversation`."""
        ...

    @property
    def unassigned_values(self) -> tuple[str, ...]:
        """Return the names that mean unassigned, beside an empty cell."""
        ...


class Unlisted:
    """A source without an inventory: only reading it shows whether it has changed."""

    __slots__ = ()

    def inventory(self) -> dict[str, str]:
        """Return an empty inventory."""
        return {}


class Source(Protocol):
    """A system that can be read for a window of time.

    *is_windowed* is true where it reads only that window; a source that is not windowed is read once for all
    days.
    """

    @property
    def is_windowed(self) -> bool:
        """Return whether reading a part of the days costs less than reading all."""
        ...

    @property
    def options(self) -> ReadingOptions:
        """Return how its rows are parsed."""
        ...

    def inventory(self) -> dict[str, str]:
        """Return a version of each current input by name, which differs once the input changes.

        Empty where only reading shows a change.
        """
        ...

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield at least every row with `start <= occurred_at < end`, in any order.

        Raises SourceError where nothing can be read.
        """
        ...


@runtime_checkable
class ListedSource(Protocol):
    """A source whose inputs can be read one by one: those without rows of the asked days are left out."""

    def read_inputs(self, names: Collection[str]) -> Iterator[Batch | Unreadable]:
        """Yield all rows of the inputs *names* of the inventory."""
        ...


@runtime_checkable
class TeamSource(Protocol):
    """A source that knows which assignees are in which team now."""

    def teams(self) -> Mapping[str, Sequence[str]]:
        """Return the ids of the members of each team. Raises SourceError."""
        ...


def limit_cells(name: str, cells: pa.Array, faults: dict[int, str]) -> pa.Array:
    """Return the text *cells* of the column *name* with "" where one is too long, whose row gets a fault."""
    if cells.nbytes <= CELL_LIMIT:
        return cells
    too_long = pc.fill_null(pc.greater(pc.binary_length(cells), CELL_LIMIT), False)  # noqa: FBT003 - a value
    if not pc.any(too_long).as_py():
        return cells
    for row in pc.indices_nonzero(too_long).to_pylist():
        size = pc.binary_length(cells[row]).as_py()
        faults[row] = f"{name} has {size:,} bytes; the limit is {CELL_LIMIT:,}"
    return pc.if_else(too_long, "", cells)


def match_columns(names: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return contract column -> source column for a source with the columns *names*.

    The configured *mapping* comes first; then equal names, short names ("assignee") and the eight-column
    log's header, in any case. Raises ValueError that names a column that is missing or ambiguous.
    """
    return dict(_match_columns(tuple(names), tuple(mapping.items())))


@lru_cache(maxsize=64)  # a folder's files have the same columns
def _match_columns(names: tuple[str, ...], mapped: tuple[tuple[str, str], ...]) -> dict[str, str]:
    mapping, is_log = dict(mapped), is_printed_log(names)
    by_folded_name = dict[str, list[str]]()
    for name in names:
        by_folded_name.setdefault(_fold_name(name), []).append(name)
    listed = ", ".join(map(_folded_spaces, names))
    if len(listed) > _MAX_LISTED:
        listed = f"{listed[:_MAX_LISTED]}…"
    matched = {
        column: by_folded_name[_fold_name(name)]
        for column, name in mapping.items()
        if _fold_name(name) in by_folded_name
    }
    if unmatched := [(column, name) for column, name in mapping.items() if column not in matched]:
        column, name = unmatched[0]
        near = get_close_matches(_fold_name(name), by_folded_name, n=1)
        hint = f"; did you mean {by_folded_name[near[0]][0]!r}?" if near else ""
        raise ValueError(f"column {name!r} (for {column}) not found{hint}; found {listed}")
    mapped_names = {_fold_name(name) for name in mapping.values()}
    guessed = dict[str, list[str]]()
    for alias, candidates in by_folded_name.items():
        column = LOG_HEADER.get(alias, "") if is_log else ""
        column = column or contract_column(alias.replace(" ", "_"))
        if column in CONTRACT_COLUMNS and alias not in mapped_names:
            guessed.setdefault(column, []).extend(candidates)
    matched = guessed | matched
    if "occurred_at" not in matched:
        raise ValueError(f"no column for occurred_at; found {listed}; map one in `columns`")
    if not ASSIGNEE & matched.keys():
        raise ValueError(f"no column for assignee; found {listed}; map one in `columns`")
    for column, candidates in matched.items():
        if len(candidates) > 1:
            reason = (
                "occurs twice"
                if len(set(map(_fold_name, candidates))) == 1
                else f"and {candidates[1]!r} mean the same"
            )
            raise ValueError(
                f"column {candidates[0]!r} {reason} ({column}); rename one, or map one in `columns`"
            )
    return {column: candidates[0] for column, candidates in matched.items()}


def _fold_name(name: str) -> str:
    return _folded_spaces(name).lower()


def _folded_spaces(name: str) -> str:
    return " ".join(name.split())


def is_printed_log(names: Iterable[str]) -> bool:
    """Return whether *names* are the header of the original's log, where "-" means nobody."""
    return {_fold_name(name) for name in names} >= LOG_HEADER.keys()
