"""The rows of a report's log: which ones, in which order, and as the eight columns people read."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.events import source_label
from assets.periods import offset_changes
from assets.report.encoded_log import Codes

HEADER = (
    "Timestamp",
    "Conversation ID",
    "Contact ID",
    "Contact Name",
    "Previous Assignee",
    "Assigned To",
    "Source",
    "Assigned By",
)
NOBODY = "-"
TimeUnit = Literal["s", "ms"]
_WEEK_HOURS = 168
_MONDAY_HOURS = 72  # 1970-01-01 was a Thursday


def printed_log(rows: pa.Table, zone: ZoneInfo, unit: TimeUnit | None = None) -> pa.Table:
    """Return *rows* of `assignment_log` as the eight text columns of `HEADER`.

    Times are printed in *unit*, or in the one that they need.
    """
    columns = [
        local_times(rows["occurred_at"], zone, unit),
        *(pc.fill_null(rows[name], "") for name in ("conversation_id", "contact_id", "contact_name")),
        pc.coalesce(rows["previous_assignee_name"], rows["previous_assignee_id"], pa.scalar(NOBODY)),
        pc.coalesce(rows["assignee_name"], rows["assignee_id"], pa.scalar(UNASSIGNED)),
        _source_labels(rows["source"]),
        pc.coalesce(rows["assigned_by_name"], rows["assigned_by_id"], pa.scalar(NOBODY)),
    ]
    return pa.table(columns, names=list(HEADER))


def _source_labels(codes: pa.ChunkedArray) -> pa.Array:
    found = codes.combine_chunks().dictionary_encode()
    labels = pa.array([source_label(code) for code in found.dictionary.to_pylist()], pa.string())
    return labels.take(found.indices)


def local_times(instants: pa.ChunkedArray, zone: ZoneInfo, unit: TimeUnit | None = None) -> pa.Array:
    """Return UTC *instants* as text of *zone*, `2024-11-03 01:30:00-05:00`, in *unit*, or with ms if any."""
    micros = instants.combine_chunks().cast(pa.int64()).to_numpy()
    switches, seconds = zone_offsets(micros, zone)
    at = np.searchsorted(switches, micros, side="right") - 1
    wall = pa.array(micros + seconds[at] * 1_000_000).cast(pa.timestamp("us"))
    shown = wall.cast(pa.timestamp(unit or time_unit(micros)), safe=False)
    texts = pa.array([_offset_text(offset) for offset in seconds.tolist()], pa.string()).take(pa.array(at))
    return pc.binary_join_element_wise(shown.cast(pa.string()), texts, "")


def time_unit_of(rows: pa.Table) -> TimeUnit:
    """Return the unit that the times of *rows* of `assignment_log` are printed in."""
    return time_unit(rows["occurred_at"].combine_chunks().cast(pa.int64()).to_numpy())


def time_unit(micros: Codes) -> TimeUnit:
    """Return the unit that a log's times are printed in: milliseconds where one of them has a fraction."""
    return "ms" if (micros % 1_000_000).any() else "s"


def zone_offsets(micros: Codes, zone: ZoneInfo) -> tuple[Codes, Codes]:
    """Return from which instants (microseconds) on which offset from UTC (seconds) holds.

    The first instant is not after the earliest of *micros*.
    """
    if not len(micros):
        return np.array([], np.int64), np.array([], np.int64)
    first, last = (datetime.fromtimestamp(int(at) // 1_000_000, UTC) for at in (micros.min(), micros.max()))
    changes = offset_changes(zone, first, last + timedelta(seconds=1))
    switches = [int(instant.timestamp()) * 1_000_000 for instant, _ in changes]
    return np.array(switches), np.array([int(offset.total_seconds()) for _, offset in changes])


def hours_of_the_week(micros: Codes, zone: ZoneInfo) -> Codes:
    """Return the rows per weekday (7, Monday first) and hour of the clock (24) of *zone*."""
    switches, seconds = zone_offsets(micros, zone)
    wall = micros // 1_000_000 + seconds[np.searchsorted(switches, micros, side="right") - 1]
    hours = (wall // 3600 + _MONDAY_HOURS) % _WEEK_HOURS
    return np.bincount(hours, minlength=_WEEK_HOURS).reshape(7, 24)


def _offset_text(seconds: int) -> str:
    """Return `+05:30`; zones of the past have seconds too."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("+", seconds)
    minutes, odd = divmod(rest, 60)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" + (f":{odd:02d}" if odd else "")


UNASSIGNED = "Unassigned"
