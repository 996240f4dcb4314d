"""What Dagster's UI shows of a build: rows and age of its tables, rows of each day, results of checks."""

import dagster as dg
from sqlalchemy import func, select

from assets.aggregates.build import Built
from assets.extract.metadata import age_metadata
from assets.periods import Period
from assets.warehouse.base import Warehouse
from assets.warehouse.metadata import totals_table
from assets.warehouse.schema import DAILY_SOURCE_AGGREGATES, LOG_COUNTS

ROWS_RECONCILED = "rows_reconciled"
_ROWS = {
    "assignment_log": select(func.sum(LOG_COUNTS.c.log_count)),
    "daily_source_aggregates": select(func.count()).select_from(DAILY_SOURCE_AGGREGATES),
}


def stored_metadata(warehouse: Warehouse, table: str) -> dict[str, dg.MetadataValue]:
    """Return the number of rows of *table*, and its age."""
    rows = warehouse.query(_ROWS[table]).column(0)[0].as_py()
    return {"dagster/row_count": dg.MetadataValue.int(int(rows or 0)), **age_metadata(warehouse)}


def add_day_metadata(context: dg.AssetExecutionContext, slug: str, built: Built, period: Period) -> None:
    """Add the assignments of each built day of *period*."""
    for day in built.log_counts.keys() & set(period.days):
        counted = {"assignments": built.log_counts[day]}
        rows = counted | {"dagster/partition_row_count": built.log_counts[day]}
        for table, metadata in (("assignment_log", rows), ("daily_source_aggregates", counted)):
            context.add_asset_metadata(metadata, asset_key=[slug, table], partition_key=str(day))


def reconciled_results(table: str, built: Built, period: Period) -> dict[str, list[dg.AssetCheckResult]]:
    """Return the result of *table*'s check for each day of *period*: that of the run holds for all."""
    is_log = table == "assignment_log"
    totals = totals_table((built.log_totals if is_log else built.counts_totals).items())
    return {
        str(day): [
            dg.AssetCheckResult(
                check_name=ROWS_RECONCILED,
                passed=built.log_is_whole if is_log else built.counts_are_whole,
                description=built.log_text if is_log else built.counts_text,
                metadata={"assignments": built.log_counts.get(day, 0), "totals_of_run": totals},
            )
        ]
        for day in period.days
    }
