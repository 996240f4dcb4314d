"""What Dagster's UI shows of a load: rows and age of its tables, rows of each day, results of checks."""

from datetime import datetime

import dagster as dg
from sqlalchemy import func, select

from assets.extract.load import Loaded
from assets.extract.load_checks import Watched
from assets.extract.source_stall import newest_event
from assets.periods import Period
from assets.warehouse.base import Warehouse
from assets.warehouse.metadata import totals_table
from assets.warehouse.schema import LOAD_COUNTS

ROWS_ACCOUNTED_FOR = "rows_accounted_for"
_LOADS = LOAD_COUNTS.c
_ROWS = {
    "assignment_events": func.sum(_LOADS.accepted_count),
    "rejected_events": func.sum(_LOADS.rejected_count + _LOADS.unreadable_count),
}
_COUNTS = {
    "assignment_events": {
        "dagster/partition_row_count": "accepted_count",
        "read": "read_count",
        "duplicates": "duplicate_count",
        "no_change": "no_change_count",
    },
    "rejected_events": {"dagster/partition_row_count": "rejected_count"},
}


def stored_metadata(warehouse: Warehouse, table: str) -> dict[str, dg.MetadataValue]:
    """Return the number of rows of *table*, and its age."""
    rows = warehouse.query(select(_ROWS[table])).column(0)[0].as_py()
    return {"dagster/row_count": dg.MetadataValue.int(int(rows or 0)), **age_metadata(warehouse)}


def age_metadata(warehouse: Warehouse) -> dict[str, dg.MetadataValue]:
    """Return when the newest stored event occurred, and until when the source has been read."""
    loaded_until = warehouse.query(select(func.max(_LOADS.loaded_until))).column(0)[0].as_py()
    instants = {"newest_event": newest_event(warehouse), "loaded_until": loaded_until}
    return {name: dg.MetadataValue.timestamp(instant) for name, instant in instants.items() if instant}


def add_day_metadata(context: dg.AssetExecutionContext, slug: str, loaded: Loaded, period: Period) -> None:
    """Add the counts of each day of *period*; other days were only reloaded after a change."""
    for table, columns in _COUNTS.items():
        counts = {name: loaded.by_day(column) for name, column in columns.items()}
        for day in next(iter(counts.values())).keys() & set(period.days):
            context.add_asset_metadata(
                {name: by_day[day] for name, by_day in counts.items()},
                asset_key=[slug, table],
                partition_key=str(day),
            )


def reconciled_results(loaded: Loaded, period: Period) -> dict[str, list[dg.AssetCheckResult]]:
    """Return the result of `rows_accounted_for` for each day of *period*: that of the run holds for all."""
    read, accepted = loaded.by_day("read_count"), loaded.by_day("accepted_count")
    totals = totals_table(loaded.totals.items())
    return {
        str(day): [
            dg.AssetCheckResult(
                check_name=ROWS_ACCOUNTED_FOR,
                passed=loaded.is_reconciled,
                description=str(loaded),
                metadata={
                    "read": read.get(day, 0),
                    "accepted": accepted.get(day, 0),
                    "totals_of_run": totals,
                },
            )
        ]
        for day in period.days
    }


def watched_result(watched: Watched) -> dg.AssetCheckResult:
    """Return the result of one of the checks of `load_checks.py`."""
    return dg.AssetCheckResult(
        check_name=watched.name,
        passed=watched.is_fine,
        severity=dg.AssetCheckSeverity.WARN,
        description=watched.text,
        metadata={
            name: dg.MetadataValue.timestamp(number) if isinstance(number, datetime) else number
            for name, number in watched.numbers.items()
        },
    )
