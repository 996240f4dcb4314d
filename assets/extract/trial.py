"""A source tried: ten of its rows as they would be read, what they come from, and what it does not tell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from assets.config import Workspace
from assets.errors import SourceUnavailable
from assets.events import CONTRACT_COLUMNS
from assets.extract.contract import contract_rows
from assets.periods import first_instant
from assets.sources.batches import Batch, Source, Unreadable
from assets.sources.sql import Sql

_ROWS = 10
_RECENT = timedelta(days=30)
_LARGEST_DIFFERENCE = timedelta(seconds=30)
_PEOPLE_IDS = {"assignee_id", "previous_assignee_id", "assigned_by_id"}
_CONSEQUENCES = {
    "event_id": "an id is made of the row's cells: two rows that are the same count once",
    "occurred_at": "no row can be read",
    "conversation_id": "there are no chains of conversations",
    "contact_id": "contacts are counted by conversation",
    "contact_name": "the log shows no names of contacts",
    "previous_assignee_name": "it is taken from the contact's last assignment before",
    "assignee_name": "people are shown by their ids",
    "source": "every event is of source Unknown",
    "assigned_by_name": "the log shows nobody in Assigned By",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What ten rows of a source show. *columns* are contract column -> what of the source it comes from."""

    rows: pa.Table
    columns: Mapping[str, str]
    missing: Mapping[str, str]
    faults: tuple[str, ...]
    clock_ahead: timedelta | None

    @property
    def has_wrong_clock(self) -> bool:
        """Tell whether the source's clock differs so much that the running day is cut at another instant."""
        return self.clock_ahead is not None and abs(self.clock_ahead) > _LARGEST_DIFFERENCE


def try_source(source: Source, workspace: Workspace, now: datetime) -> Trial:
    """Read ten rows of the last thirty days, or of any day where there are none.

    Raises SourceUnavailable.
    """
    clock = source.clock() if isinstance(source, Sql) else None
    since_first = first_instant(workspace.first_day, workspace.zone)
    for start in (max(now - _RECENT, since_first), since_first):
        batch, faults = _first(source.read(start, now))
        if batch is not None:
            break
    else:
        raise SourceUnavailable(
            "; ".join(faults) or f"it has no row since {workspace.first_day}; correct `first_day`, or wait",
            permanent=True,
        )
    rows = contract_rows(Batch(batch.rows.slice(0, _ROWS), batch.origin, batch.is_printed_log), source.options)
    return Trial(
        pa.table(rows.select([name for name in CONTRACT_COLUMNS if name in batch.rows.schema.names])),
        {name: batch.columns.get(name, name) for name in CONTRACT_COLUMNS if name in batch.rows.schema.names},
        _missing(set(batch.rows.schema.names)),
        faults,
        clock - now if clock else None,
    )


def _first(items: Iterator[Batch | Unreadable]) -> tuple[Batch | None, tuple[str, ...]]:
    faults: list[str] = []
    for item in items:
        if isinstance(item, Unreadable):
            faults.append(item.reason)
        elif item.rows.num_rows:
            return item, tuple(faults)
    return None, tuple(faults)


def _missing(given: set[str]) -> dict[str, str]:
    """Return the contract columns that nothing stands for, each with what follows from it."""
    stated = given | {name.replace("_id", "_name") for name in given & _PEOPLE_IDS}
    return {name: text for name, text in _CONSEQUENCES.items() if name not in stated}
