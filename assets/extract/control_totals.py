"""Control totals: each conversation's number of assignments, as respond.io's conversations export states it.

They are compared with the log; no figure of a report counts them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from assets.config.source import ConversationsExport
from assets.config.workspace import Workspace
from assets.errors import SourceError
from assets.extract import times
from assets.periods import DAY, first_instant
from assets.runtime import duckdb_engine
from assets.runtime.sql_files import read_sql
from assets.sources.base import Unreadable
from assets.sources.files.source import files_of
from assets.warehouse.schema import CONTROL_TOTALS, arrow_schema

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {
    "Conversation ID": "conversation_id",
    "Number of Assignments": "assignment_count",
    "First Assignment Timestamp": "first_assigned_at",
    "Last Assignment Timestamp": "last_assigned_at",
}
_SCHEMA = pa.schema([pa.field("local_day", pa.date32()), *arrow_schema(CONTROL_TOTALS)])
_KEYS = ["local_day", "conversation_id"]


def read_controls(workspace: Workspace, days: Sequence[date]) -> tuple[pa.Table, list[Unreadable]]:
    """Return the conversations last assigned on *days*, sorted, and the files that cannot be read.

    A conversation in several files is taken from the last of them.
    """
    export = workspace.conversations_export
    if export is None or not days:
        return _SCHEMA.empty_table(), []
    frames, unreadable = [], []
    try:
        files = files_of(export.path)
    except SourceError as error:
        return _SCHEMA.empty_table(), [Unreadable("conversations_export", str(error))]
    for path, origin in files:
        try:
            frames.append(_read_export(path, origin, export, workspace.zone))
        except (OSError, ValueError) as error:
            unreadable.append(Unreadable(origin, f"{origin}: {str(error).splitlines()[0]}"))
    exported = pa.concat_tables([_SCHEMA.empty_table().drop_columns("local_day"), *frames])
    starts, ends = (
        pa.array([first_instant(day + offset, workspace.zone) for day in days], pa.timestamp("us", "UTC"))
        .cast(pa.int64())
        .to_numpy()
        for offset in (timedelta(), DAY)
    )
    micros = exported["last_assigned_at"].cast(pa.int64()).to_numpy()
    at = np.searchsorted(starts, micros, side="right") - 1
    is_selected = (at >= 0) & (micros < ends[at])
    selected = exported.filter(pa.array(is_selected))
    local_days = pa.array([days[place] for place in at[is_selected].tolist()], pa.date32())
    rows = selected.append_column("local_day", local_days).to_pandas().drop_duplicates(_KEYS, keep="last")
    return pa.Table.from_pandas(rows.sort_values(_KEYS), _SCHEMA, preserve_index=False), unreadable


def _read_export(path: Path, origin: str, export: ConversationsExport, zone: ZoneInfo) -> pa.Table:
    """Return the assigned conversations of a file. Raises ValueError that names the first invalid row."""
    import pandas as pd  # noqa: PLC0415 - a second, and few workspaces have such a file

    cells = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    missing = [name for name in _COLUMNS if name not in cells.columns]
    if missing:
        raise ValueError(f"column {missing[0]!r} is missing: is it a conversations export?")
    cells = cells[list(_COLUMNS)].rename(columns=_COLUMNS)
    cells = cells[cells["last_assigned_at"].str.strip() != ""]
    naive_zone = ZoneInfo(export.timezone) if export.timezone else zone
    columns = {
        name: _parse_instants(cells, name, naive_zone, export.time_format)
        for name in ("first_assigned_at", "last_assigned_at")
    }
    counts = pd.to_numeric(cells["assignment_count"], errors="coerce")
    if counts.isna().any():
        row = int(counts.index[counts.isna()][0]) + 1
        raise ValueError(f"row {row}: Number of Assignments is no number")
    return pa.table(
        {
            "conversation_id": pa.array(cells["conversation_id"].str.strip().to_list(), pa.string()),
            **columns,
            "assignment_count": pa.array(counts.astype("int64").to_numpy()),
            "origin": pa.repeat(origin, len(cells)),
        }
    ).cast(pa.schema(arrow_schema(CONTROL_TOTALS)))


def _parse_instants(cells: "pd.DataFrame", name: str, zone: ZoneInfo, time_format: str | None) -> pa.Array:
    """Return a column's times in UTC. Raises ValueError that names the first row without a valid time."""
    texts = pa.table(
        {"occurred_at": pa.array(cells[name].str.strip().to_list(), pa.string()), "place": range(len(cells))}
    )
    with duckdb_engine.temporary() as connection:
        connection.register("cells", texts)
        connection.register("offsets", times.wall_offsets(zone))
        columns = times.instant_columns(pa.string(), time_format)
        query = read_sql(__file__, "control_instants", instant_columns=columns)
        instants = connection.sql(query).to_arrow_table()["instant"].combine_chunks()
    if instants.null_count:
        place = instants.is_null().to_pylist().index(True)
        shown = texts["occurred_at"][place].as_py()
        raise ValueError(f"row {cells.index[place] + 1}: {name} {shown!r} is no time; set `time_format`")
    return instants.cast(pa.timestamp("us", "UTC"))
