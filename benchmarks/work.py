"""One stage of ours in a process of its own: prints the seconds of the work, without imports."""

import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - Arrow imports it late, at its first array
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.aggregates.build import build_days
from assets.aggregates.day_log import DayLog
from assets.aggregates.interval_starts import IntervalStarts
from assets.config.workspace import Workspace
from assets.extract.classification import DayCut
from assets.extract.load import load_days
from assets.extract.staging import Staging
from assets.periods import DAY, Period, first_instant
from assets.runtime.prefetch import prefetch
from assets.sources.files.imports import DaySources
from assets.sources.registry import open_source
from assets.warehouse.loaded_days import loaded_days
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.postgresql import SqlWarehouse
from assets.warehouse.schema import ASSIGNMENT_LOG, arrow_schema
from benchmarks.events import DAYS, LAST_DAY

NOW = datetime(2026, 1, 5, tzinfo=UTC)
FIRST_DAY = LAST_DAY - timedelta(DAYS + 1)
SLUG = "bench"


def workspace(**source: Any) -> Workspace:
    """Return the workspace of the benchmarks, read from *source*."""
    return Workspace.model_validate(
        {
            "slug": SLUG,
            "name": "Bench",
            "timezone": "America/New_York",
            "first_day": FIRST_DAY,
            "source": source,
        }
    )


def extract(lake: str, **source: Any) -> Callable[[], object]:
    """Load all days into a new lake."""
    shutil.rmtree(lake, ignore_errors=True)
    inbox = workspace(**source)
    days = Period(FIRST_DAY, LAST_DAY, inbox.zone).days
    return lambda: load_days(inbox, DaySources(open_source(inbox), []), Lake(Path(lake), SLUG), days, NOW)


def read_files(path: str, days: int) -> Callable[[], object]:
    """Read the files *path* and stage their rows by day, as the load of a first night does; store nothing."""
    inbox = workspace(type="files", path=path)
    cuts = [
        DayCut(day, inbox.timezone, start, end, end, "")
        for day in Period(LAST_DAY - timedelta(days), LAST_DAY, inbox.zone).days
        for start, end in [(first_instant(day, inbox.zone), first_instant(day + DAY, inbox.zone))]
    ]

    def read() -> None:
        with Staging(cuts, inbox.source, NOW, is_windowed=False) as staging:
            for item in prefetch(open_source(inbox).read(cuts[0].start, cuts[-1].until), 4):
                staging.add(item)
            staging.finish()

    return read


def nightly(file: str, days: int, warehouse: str) -> Callable[[], object]:
    """Load and build the last three of *days* days again, in a lake or in the PostgreSQL at the URL *warehouse*.

    They are read from a file of their own: what grows with history is measured, not with a file.
    """
    first_day = LAST_DAY - timedelta(days + 1)
    inbox, recent = (
        workspace(type="files", path=path).model_copy(update={"first_day": first_day})
        for path in (file, f"{file}.recent.parquet")
    )
    is_lake = "://" not in warehouse
    opened = Lake(Path(warehouse), SLUG) if is_lake else SqlWarehouse(warehouse, SLUG)

    def flow(source: Workspace, first: date) -> None:
        period = Period(first, LAST_DAY, source.zone)
        load_days(source, DaySources(open_source(source), []), opened, period.days, NOW)
        build_days(opened, period)

    if not loaded_days(opened, inbox).until:
        since = datetime.combine(LAST_DAY - timedelta(3), datetime.min.time(), UTC)
        rows = pq.read_table(file, filters=pc.field("occurred_at") >= since)
        pq.write_table(rows, f"{file}.recent.parquet")
        flow(inbox, first_day)
    return lambda: flow(recent, LAST_DAY - timedelta(2))


def build(lake: str) -> Callable[[], object]:
    """Build the log and the counts of all days."""
    period = Period(FIRST_DAY, LAST_DAY, workspace(type="files", path="none").zone)
    return lambda: build_days(Lake(Path(lake), SLUG), period)


def intervals(lake: str) -> Callable[[], object]:
    """Read the log of all days, and link each row to its subject's previous one."""
    warehouse = Lake(Path(lake), SLUG)
    days = Period(FIRST_DAY, LAST_DAY, workspace(type="files", path="none").zone).days
    names = [field.name for field in arrow_schema(ASSIGNMENT_LOG) if not field.name.startswith("held_since")]

    def link() -> None:
        logs = (
            (day, DayLog(rows.select(names), 0, 0, 0)) for day, rows in warehouse.stored(ASSIGNMENT_LOG, days)
        )
        for _ in IntervalStarts().link_days(prefetch(logs)):
            pass

    return link


def report(lake: str, components: list[str] | None) -> Callable[[], object]:
    """Make the report of the last day as a report process does, whose second one it is; its files stay in memory."""
    import orchestration.report_process_imports  # noqa: F401, PLC0415
    from assets.archive.publish import draft_report  # noqa: PLC0415

    chosen = {} if components is None else {"components": components, "interactive": False}
    inbox = Workspace.model_validate(
        workspace(type="files", path="none").model_dump(exclude_unset=True)
        | {"formats": ["html", "pdf"], **chosen}
    )
    (spec,) = (each for each in inbox.all_reports if each.name == "yesterday")
    warehouse, report_date = Lake(Path(lake), SLUG), LAST_DAY + DAY

    def make() -> None:
        draft_report(warehouse, inbox, spec, report_date, NOW).render(1)

    make()
    return make


def printed(log: str, kind: str) -> Callable[[], object]:
    """Write the eight printed columns in the Parquet file *log* as a file of another *kind*."""
    from assets.render import data_files, xlsx  # noqa: PLC0415 - each once
    from assets.render.pdf import document  # noqa: PLC0415
    from tests.render.made_reports import make_report  # noqa: PLC0415

    table = pa.parquet.read_table(log)
    rows = table.num_rows
    report = make_report({"user": rows}, rows_shown=rows, days=DAYS)
    ways: dict[str, Callable[[], object]] = {
        "csv": lambda: data_files.csv_bytes(table),
        "xlsx": lambda: xlsx.workbook_bytes(report, table),
        "pdf": lambda: document.render_pdf(report, table, 1, b""),
    }
    if kind == "pdf":  # fonts and styles are read once a process
        small = report.model_copy(update={"log": report.log.model_copy(update={"rows_shown": 1})})
        document.render_pdf(small, table.slice(0, 1), 1, b"")
    return ways[kind]


def main() -> None:
    """Do what the arguments say: a stage, and what it takes as JSON."""
    stage, arguments = sys.argv[1], json.loads(sys.argv[2])
    stages: dict[str, Callable[..., Callable[[], object]]] = {
        "extract": extract,
        "read_files": read_files,
        "nightly": nightly,
        "build": build,
        "intervals": intervals,
        "printed": printed,
        "report": report,
    }
    work = stages[stage](**arguments)
    began = time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
