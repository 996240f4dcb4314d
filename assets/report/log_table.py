"""Format a report's log as its eight text columns, with local times."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.events import source_label
from assets.periods import offset_changes
from assets.report.encoded_log import Codes, EncodedLog

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

    Times have the precision *unit* (default: the one that the rows need).
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


def with_labels(printed: pa.Table, log: EncodedLog) -> pa.Table:
    """Return *printed*, the last rows of *log* as printed, with the labels of persons instead of names.

    Names in `log.csv` stay as given: read again, "Bob (7)" would be a new person.
    """
    people = log.persons.of_pair[:-1].tolist()
    labels = [log.persons.labels[person] for person in people]
    if labels == log.people.labels:
        return printed
    roles = {"Previous Assignee": log.previous, "Assigned To": log.assignee, "Assigned By": log.assigned_by}
    for name, codes in roles.items():
        pairs = codes[len(codes) - printed.num_rows :]
        cells = pa.array(labels, pa.string()).take(pa.array(pairs, mask=pairs < 0))
        printed = printed.set_column(HEADER.index(name), name, pc.coalesce(cells, printed[name]))
    return printed


def _source_labels(codes: pa.ChunkedArray) -> pa.Array:
    encoded = codes.combine_chunks().dictionary_encode()
    labels = pa.array([source_label(code) for code in encoded.dictionary.to_pylist()], pa.string())
    return labels.take(encoded.indices)


def local_times(instants: pa.ChunkedArray, zone: ZoneInfo, unit: TimeUnit | None = None) -> pa.Array:
    """Return UTC *instants* as local times of *zone*, such as `2024-11-03 01:30:00-05:00`.

    *unit* is their precision (default: the one that they need).
    """
    micros = instants.combine_chunks().cast(pa.int64()).to_numpy()
    switches, seconds = zone_offsets(micros, zone)
    index = np.searchsorted(switches, micros, side="right") - 1
    local = pa.array(micros + seconds[index] * 1_000_000).cast(pa.timestamp("us"))
    rounded = local.cast(pa.timestamp(unit or time_unit(micros)), safe=False)
    offsets = pa.array([_offset_text(offset) for offset in seconds.tolist()], pa.string()).take(
        pa.array(index)
    )
    return pc.binary_join_element_wise(rounded.cast(pa.string()), offsets, "")


def time_unit_of(rows: pa.Table) -> TimeUnit:
    """Return the precision with which the times of *rows* of `assignment_log` are printed."""
    return time_unit(rows["occurred_at"].combine_chunks().cast(pa.int64()).to_numpy())


def time_unit(micros: Codes) -> TimeUnit:
    """Return the precision of instants in microseconds: milliseconds if any has a fraction of a second."""
    return "ms" if (micros % 1_000_000).any() else "s"


def zone_offsets(micros: Codes, zone: ZoneInfo) -> tuple[Codes, Codes]:
    """Return the instants (microseconds) at which the UTC offset changes, and the new offsets (seconds).

    The first instant is not after the earliest of *micros*. Both are empty if *micros* is.
    """
    if not len(micros):
        return np.array([], np.int64), np.array([], np.int64)
    first, last = (
        datetime.fromtimestamp(int(instant) // 1_000_000, UTC) for instant in (micros.min(), micros.max())
    )
    changes = offset_changes(zone, first, last + timedelta(seconds=1))
    switches = [int(instant.timestamp()) * 1_000_000 for instant, _ in changes]
    return np.array(switches), np.array([int(offset.total_seconds()) for _, offset in changes])


def hours_of_the_week(micros: Codes, zone: ZoneInfo) -> Codes:
    """Return the number of instants per weekday (7, Monday first) and hour (24) of *zone*."""
    return np.bincount(weekday_hours(micros, zone), minlength=_WEEK_HOURS).reshape(7, 24)


def weekday_hours(micros: Codes, zone: ZoneInfo) -> Codes:
    """Return the hour of the week of each instant, 0 to 167 from Monday 0:00, in *zone*."""
    switches, seconds = zone_offsets(micros, zone)
    local_seconds = micros // 1_000_000 + seconds[np.searchsorted(switches, micros, side="right") - 1]
    hours: Codes = (local_seconds // 3600 + _MONDAY_HOURS) % _WEEK_HOURS
    return hours


def _offset_text(seconds: int) -> str:
    """Return an offset such as `+05:30`; historical zones have seconds too."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("+", seconds)
    minutes, seconds_left = divmod(rest, 60)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" + (f":{seconds_left:02d}" if seconds_left else "")


UNASSIGNED = "Unassigned"
