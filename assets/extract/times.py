"""Parsing of a source's times to UTC instants: SQL expressions for DuckDB, and the offsets of a zone.

Databases are never asked about zones, because their tables differ; the pinned tzdata decides.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.events import FIRST, LAST, OFFSET
from assets.periods import DAY, offset_changes
from assets.runtime.sql_files import read_sql

_CLOCK = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
_ZONE = rf"(Z|UTC|GMT|{OFFSET})$"
_ZONED = _CLOCK + r"\s*" + _ZONE
_WALL = _CLOCK + "$"
_PLAIN_WALL = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?"
_PLAIN_ZONED = _PLAIN_WALL + r"(Z|[+-](0\d|1[0-3]):[0-5]\d)$"
_SECONDS = len("2026-03-05 10:00:00")
_PLAIN_LENGTHS = {_SECONDS, *range(_SECONDS + 2, _SECONDS + 8)}
_MARKS = {4: b"-", 7: b"-", 10: b"T ", 13: b":", 16: b":"}
_COMPACT = r"^20\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3])[0-5]\d([0-5]\d)?"
"""20260305T1000 is ISO 8601; without the T it may be any number."""
DIGITS_ONLY = r"^20\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])[0-5]\d([0-5]\d)?$"
_COMPACT_ZONED = _COMPACT + _ZONE
_COMPACT_WALL = _COMPACT + "$"
_INSTANTS, _WALLS = pa.timestamp("us", "UTC"), pa.timestamp("us")
_EPOCH = r"^(\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(\.\d{1,6})?$"
_DIRECTIVE = re.compile(r"%-?.")
_ZONE_IN_FORMAT = re.compile(r"(?<![A-Za-z])(Z|UTC|GMT)(?![A-Za-z])")


def plain_instants(
    cells: pa.Array, time_format: str | None, zone: ZoneInfo | None
) -> tuple[pa.Array, pa.Array] | None:
    """Return *cells* as UTC instants, and which of them occur twice; None if some is not plain.

    Plain are typed times, and those in ISO 8601: all with their zone, or all without one and in *zone*, where
    none is skipped. This is a fast path: `instant_columns` gives the same result for such times.
    """
    is_typed = pa.types.is_timestamp(cells.type)
    if cells.null_count or (time_format and not is_typed):
        return None
    if cells.type.tz if is_typed else _are_plain(cells, _PLAIN_ZONED, b"Z"):
        kind = _INSTANTS
    elif zone and (is_typed or _are_plain(cells, _PLAIN_WALL + "$", b"")):
        kind = _WALLS
    else:
        return None
    try:
        found = cells.cast(kind)
    except pa.ArrowInvalid:  # February 30
        return None
    is_twice = pa.repeat(False, len(cells))  # noqa: FBT003 - a value
    if zone and kind is _WALLS:
        if not _are_between(found, (FIRST - DAY).replace(tzinfo=None), (LAST + DAY).replace(tzinfo=None)):
            return None
        found, is_skipped, is_twice = _instants_of_walls(found, zone)
        if pc.any(is_skipped).as_py():
            return None
    return (found, is_twice) if _are_between(found, FIRST, LAST) else None


def _are_between(times: pa.Array, first: datetime, last: datetime) -> bool:
    return bool(pc.all(pc.and_(pc.greater_equal(times, first), pc.less(times, last))).as_py())


def _instants_of_walls(walls: pa.Array, zone: ZoneInfo) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return the instants of times of *zone*, which of them do not exist there, and which occur twice."""
    offsets, micros = wall_offsets(zone), walls.cast(pa.int64())
    starts = offsets["wall_from"].cast(pa.int64()).to_numpy()
    at = pa.array(np.searchsorted(starts, micros.to_numpy(), side="right") - 1)

    def offset(name: str) -> pa.Array:
        return offsets[name].combine_chunks().take(at)

    is_skipped, is_twice = (
        pc.fill_null(pc.greater_equal(walls, offset(name)), False)  # noqa: FBT003 - a value
        for name in ("skipped_from", "twice_from")
    )
    return pc.subtract(micros, offset("behind")).cast(_INSTANTS), is_skipped, is_twice


def _are_plain(cells: pa.Array, pattern: str, zone: bytes) -> bool:
    """Return whether all *cells* match *pattern*.

    Of equally long times, with *zone* at the end of each, the digits are left to a cast.
    """
    offsets = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]
    lengths = np.diff(offsets)
    length = lengths[0] - len(zone) if len(lengths) else 0
    if length in _PLAIN_LENGTHS and (lengths == lengths[0]).all():
        octets = np.frombuffer(cells.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].reshape(len(cells), -1)
        marks = {**_MARKS, **({_SECONDS: b"."} if length > _SECONDS else {}), **({-1: zone} if zone else {})}
        if all(np.isin(octets[:, at], list(mark)).all() for at, mark in marks.items()):
            return True
    return bool(pc.all(pc.match_substring_regex(cells, pattern)).as_py())


def names_zone(time_format: str) -> bool:
    """Return whether *time_format* states the zone of the times: by %z, or by a literal Z, UTC or GMT."""
    return "%z" in time_format or _ZONE_IN_FORMAT.search(_DIRECTIVE.sub(" ", time_format)) is not None


def instant_columns(kind: pa.DataType, time_format: str | None) -> str:
    """Return SQL for `zoned` (UTC instant or NULL) and `wall` (a time without zone, or NULL).

    *kind* is the Arrow type of the column `occurred_at`: a timestamp, or text in ISO 8601, as an epoch
    (seconds to nanoseconds, by its magnitude), or in *time_format*.
    """
    if pa.types.is_timestamp(kind):
        zoned, wall = ("occurred_at", "NULL") if kind.tz else ("NULL", "occurred_at")
    elif time_format:
        quoted = "'" + time_format.replace("'", "''") + "'"
        text = "trim(occurred_at)"
        if time_format.endswith("%z"):
            text = f"regexp_replace({text}, 'Z$', '+0000')"
        parsed = f"try_strptime({text}, {quoted})"
        if time_format.endswith("%z"):
            parsed = f"CASE WHEN regexp_matches({text}, '({OFFSET}|[^0-9])$') THEN {parsed} END"
        zoned, wall = (parsed, "NULL") if names_zone(time_format) else ("NULL", parsed)
    else:
        zoned, wall = _zoned_text(), _wall_text()
    return f"CAST({zoned} AS TIMESTAMPTZ) AS zoned, CAST({wall} AS TIMESTAMP) AS wall"


def _zoned_text() -> str:
    zone = f"regexp_extract(occurred_at, '{_ZONE}', 0, 'i')"
    return read_sql(
        __file__,
        "zoned_text",
        zoned=_ZONED,
        cast_zoned=_cast_zoned("occurred_at"),
        compact_zoned=_COMPACT_ZONED,
        cast_compact=_cast_zoned(f"{_compact_time()} || {zone}"),
        digits_only=DIGITS_ONLY,
        epoch=_EPOCH,
    )


def _cast_zoned(text: str) -> str:
    """Return SQL that casts an ISO 8601 *text* whose zone may be written in any of the usual ways."""
    return read_sql(__file__, "cast_zoned", text=text)


def _wall_text() -> str:
    return read_sql(__file__, "wall_text", wall=_WALL, compact_wall=_COMPACT_WALL, spaced=_compact_time())


def _compact_time() -> str:
    """Return SQL that rewrites a compact time as 2026-03-05 10:00:00."""
    return read_sql(__file__, "compact_time")


@lru_cache
def wall_offsets(zone: ZoneInfo) -> pa.Table:
    """Return the offsets of *zone* by wall-clock time, one row from each `wall_from` (naive time) on.

    UTC = wall - `behind` (microseconds). Times of a row from `skipped_from` on do not exist: the clocks were
    put forward. Times from `twice_from` on occur twice, and are parsed as the earlier (PEP 495, fold=0).
    """
    changes = offset_changes(zone, FIRST - DAY, LAST)
    offsets = [offset for _, offset in changes]
    steps = [(instant, old, new) for (instant, new), old in zip(changes[1:], offsets, strict=False)]

    def wall(instant: datetime, offset: timedelta) -> datetime:
        return (instant + offset).replace(tzinfo=None)

    return pa.table(
        {
            "wall_from": pa.array(
                [datetime(1, 1, 1), *(wall(at, max(old, new)) for at, old, new in steps)],  # noqa: DTZ001 - wall clock
                pa.timestamp("us"),
            ),
            "behind": pa.array([offset // timedelta(microseconds=1) for offset in offsets], pa.int64()),
            "skipped_from": pa.array(
                [*(wall(at, old) if new > old else None for at, old, new in steps), None],
                pa.timestamp("us"),
            ),
            "twice_from": pa.array(
                [*(wall(at, new) if new < old else None for at, old, new in steps), None],
                pa.timestamp("us"),
            ),
        }
    )
