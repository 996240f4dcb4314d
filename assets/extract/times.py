"""How a source's times become UTC instants: SQL expressions for DuckDB, and the zone's offsets.

Databases are never asked about zones: their tables differ. The pinned table answers, here.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from assets.periods import offset_changes

_CLOCK = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
_ZONED = _CLOCK + r"\s*(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$"
_WALL = _CLOCK + "$"
_PLAIN = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$"
_INSTANTS = pa.timestamp("us", "UTC")
_EPOCH = r"^(\d{9,10}|\d{12,13}|\d{15,16})(\.\d{1,6})?$"
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def plain_instants(cells: pa.Array, time_format: str | None) -> pa.Array | None:
    """Return *cells* as UTC instants where each is a time with its zone, typed or in ISO 8601, else None.

    What `instant_columns` says of such times, at once.
    """
    if cells.null_count or (pa.types.is_timestamp(cells.type) and cells.type.tz is None):
        return None
    is_text = pa.types.is_string(cells.type)
    if is_text and (time_format or not pc.all(pc.match_substring_regex(cells, _PLAIN)).as_py()):
        return None
    try:
        instants = cells.cast(_INSTANTS)
    except pa.ArrowInvalid:  # February 30
        return None
    is_usual = pc.and_(pc.greater_equal(instants, _FIRST), pc.less(instants, _LAST))
    return instants if pc.all(is_usual).as_py() else None


def instant_columns(kind: pa.DataType, time_format: str | None) -> str:
    """Return SQL for `zoned` (UTC instant or NULL) and `wall` (a time without zone, or NULL).

    *kind* is the Arrow type of the column `occurred_at`: a timestamp, or text in ISO 8601, as an
    epoch (seconds, milli- or microseconds, told by magnitude), or in *time_format*.
    """
    if pa.types.is_timestamp(kind):
        zoned, wall = ("occurred_at", "NULL") if kind.tz else ("NULL", "occurred_at")
    elif time_format:
        quoted = "'" + time_format.replace("'", "''") + "'"
        parsed = f"try_strptime(trim(occurred_at), {quoted})"
        zoned, wall = (parsed, "NULL") if "%z" in time_format else ("NULL", parsed)
    else:
        zoned = f"""CASE
            WHEN regexp_matches(occurred_at, '{_ZONED}', 'i')
                THEN try_cast(regexp_replace(replace(upper(occurred_at), ',', '.'),
                              '\\s*(UTC|GMT|Z|[+-]\\d{{2}}(:\\d{{2}})?|([+-]\\d{{2}})(\\d{{2}}))$',
                              CASE WHEN regexp_matches(occurred_at, '[+-]\\d{{4}}$') THEN '\\3:\\4'
                                   WHEN regexp_matches(occurred_at, '(Z|UTC|GMT)$', 'i') THEN 'Z'
                                   ELSE '\\1' END) AS TIMESTAMPTZ)
            WHEN regexp_matches(occurred_at, '{_EPOCH}')
                THEN make_timestamp((try_cast(occurred_at AS DECIMAL(38, 6)) * CASE
                    WHEN strpos(occurred_at || '.', '.') > 15 THEN 1
                    WHEN strpos(occurred_at || '.', '.') > 12 THEN 1000
                    ELSE 1000000 END)::BIGINT)::TIMESTAMPTZ
            END"""
        wall = f"""CASE WHEN regexp_matches(occurred_at, '{_WALL}')
            THEN try_cast(replace(occurred_at, ',', '.') AS TIMESTAMP) END"""
    return f"CAST({zoned} AS TIMESTAMPTZ) AS zoned, CAST({wall} AS TIMESTAMP) AS wall"


@lru_cache
def wall_offsets(zone: ZoneInfo) -> pa.Table:
    """Return `wall_from` (naive time) and `behind` (interval in microseconds): UTC = wall - behind.

    A time that comes twice is read as the first; one that a clock change skipped, as if it had not
    been skipped (PEP 495, fold=0).
    """
    changes = offset_changes(zone, _FIRST, _LAST)
    offsets = [offset for _, offset in changes]
    switches = [
        (instant + max(before, after)).replace(tzinfo=None)
        for (instant, after), before in zip(changes[1:], offsets, strict=False)
    ]
    return pa.table(
        {
            "wall_from": pa.array([datetime(1, 1, 1), *switches], pa.timestamp("us")),  # noqa: DTZ001 - wall clock
            "behind": pa.array([offset // timedelta(microseconds=1) for offset in offsets], pa.int64()),
        }
    )
