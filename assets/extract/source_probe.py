"""Trial read of a source: sample rows as a load would read them, their columns, and the missing columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from assets.config.workspace import Workspace
from assets.errors import SourceUnreadable
from assets.events import CONTRACT_COLUMNS
from assets.extract.classification import DayCut
from assets.extract.input_summary import count_text
from assets.extract.staging import Staging
from assets.periods import DAY, first_instant, local_day
from assets.sources.base import Batch, Source, Unreadable
from assets.sources.chatwoot.database import Chatwoot
from assets.sources.database.source import Sql

_SHOWN_ROWS, _CHECKED_ROWS = 10, 1_000
_RECENT = timedelta(days=30)
_LARGEST_DIFFERENCE = timedelta(seconds=30)
_PEOPLE_IDS = {"assignee_id", "previous_assignee_id", "assigned_by_id"}
_CONSEQUENCES = {
    "event_id": "the ID is derived from the cells of the row",
    "occurred_at": "no row can be read",
    "conversation_id": "assignment paths are not shown",
    "contact_id": "contacts are counted by conversation",
    "contact_name": "the log shows no contact names",
    "previous_assignee_name": "it is derived from the previous assignment",
    "assignee_name": "assignees are shown by ID",
    "source": "the source of every event is Unknown",
    "assigned_by_name": "Assigned By is empty in the log",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial read. *columns* maps contract columns to columns or fields of the source.

    *rows* has ten rows: contract columns, `time_as_read`, and `reason` where a row is no event. *checked*
    rows were classified, of which *rejected* are no events; *first_at* is their earliest instant.
    """

    rows: pa.Table
    columns: Mapping[str, str]
    missing: Mapping[str, str]
    faults: tuple[str, ...]
    clock_ahead: timedelta | None
    checked: int
    rejected: int
    first_rejected: str
    first_at: datetime | None
    max_rejected_pct: float

    @property
    def has_wrong_clock(self) -> bool:
        """Return whether the source's clock differs so much that the running day ends at another instant."""
        return self.clock_ahead is not None and abs(self.clock_ahead) > _LARGEST_DIFFERENCE

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what makes reports provisional: unreadable inputs, too many rejected rows."""
        return (*self.faults, *(self._rejected_summary if self.has_too_many_rejected else ()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a summary of rejected rows where they are few."""
        return () if self.has_too_many_rejected else self._rejected_summary

    @property
    def has_too_many_rejected(self) -> bool:
        """Return whether the share of rejected rows exceeds the workspace's limit."""
        return 100 * self.rejected > self.max_rejected_pct * self.checked

    @property
    def _rejected_summary(self) -> tuple[str, ...]:
        if not self.rejected:
            return ()
        rows = count_text(self.checked, "row")
        return (f"{self.rejected:,} of {rows} would be rejected; {self.first_rejected}",)


def try_source(source: Source, workspace: Workspace, now: datetime) -> Trial:
    """Read sample rows of the last thirty days, or of any day where there are none.

    Raises SourceError.
    """
    clock = source.clock() if isinstance(source, Sql | Chatwoot) else None
    since_first = first_instant(workspace.first_day, workspace.zone)
    for start in (max(now - _RECENT, since_first), since_first):
        batch, faults = _first_item(source.read(start, now))
        if batch is not None:
            break
    else:
        raise SourceUnreadable(
            "; ".join(faults) or f"no rows since {workspace.first_day}; correct `first_day`, or wait for data"
        )
    names = [name for name in CONTRACT_COLUMNS if name in batch.rows.schema.names]
    rows = batch.rows.slice(0, _CHECKED_ROWS)
    placed = _place_rows(
        Batch(rows, batch.origin, batch.is_printed_log, batch.columns), source, workspace, now
    )
    reasons = placed.column("reason")
    rejected = [at for at, reason in enumerate(reasons.to_pylist()) if reason]
    shown = placed.slice(0, _SHOWN_ROWS)
    table = pa.table(shown.select([*names, "reason"]))
    as_read = rows.column("occurred_at").cast(pa.string()).slice(0, _SHOWN_ROWS)
    return Trial(
        table.append_column("time_as_read", as_read),
        {name: batch.columns.get(name, name) for name in names},
        _missing_columns(set(batch.rows.schema.names)),
        faults,
        clock - now if clock else None,
        placed.num_rows,
        len(rejected),
        f"row {rejected[0] + 1:,}: {reasons[rejected[0]].as_py()}" if rejected else "",
        pc.min(placed.column("occurred_at")).as_py(),
        workspace.max_rejected_pct,
    )


def _place_rows(batch: Batch, source: Source, workspace: Workspace, now: datetime) -> pa.RecordBatch:
    today = local_day(now, workspace.zone)
    start, end = (first_instant(day, workspace.zone) for day in (today, today + DAY))
    cut = DayCut(today, workspace.timezone, start, end, now, "")
    with Staging([cut], source.options, now, is_windowed=source.is_windowed) as staging:
        return staging.placed(batch)


def _first_item(items: Iterator[Batch | Unreadable]) -> tuple[Batch | None, tuple[str, ...]]:
    faults: list[str] = []
    for item in items:
        if isinstance(item, Unreadable):
            faults.append(item.reason)
        elif item.rows.num_rows and not item.is_sample:
            return item, tuple(faults)
    return None, tuple(faults)


def _missing_columns(present: set[str]) -> dict[str, str]:
    """Return the contract columns that the source lacks, each with the consequence."""
    available = present | {name.replace("_id", "_name") for name in present & _PEOPLE_IDS}
    return {name: text for name, text in _CONSEQUENCES.items() if name not in available}
