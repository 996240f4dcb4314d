"""What Dagster's UI shows of tables: the columns of a stored one, totals as a table, and checks by partition.

Columns are described in `schema.py`; what a run adds (rows, age) is in `metadata.py` of its stage.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_type_hints

import dagster as dg
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Table, Text

_TYPES = {Text: "text", BigInteger: "integer", Boolean: "boolean", Date: "date", DateTime: "instant"}
# Dagster exports no name for the class that a result names its materialization by.
_Target: Any = get_args(get_type_hints(dg.AssetCheckEvaluation)["target_materialization_data"])[0]
_TOTALS = dg.TableSchema([dg.TableColumn("total"), dg.TableColumn("count", "int")])


def table_metadata(table: Table) -> dict[str, object]:
    """Return the metadata of an asset that stores *table*: its name and its columns."""
    columns = [
        dg.TableColumn(
            column.name,
            _TYPES[type(column.type)],
            description=column.comment or None,
            constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
        )
        for column in table.columns
    ]
    return {"dagster/table_name": table.name, "dagster/column_schema": dg.TableSchema(columns)}


def totals_table(totals: Iterable[tuple[str, int]]) -> dg.TableMetadataValue:
    """Return *totals* as a table of names and counts."""
    records = [dg.TableRecord({"total": name, "count": count}) for name, count in totals]
    return dg.MetadataValue.table(records, schema=_TOTALS)


def partition_results(
    context: dg.AssetExecutionContext,
    asset: dg.AssetKey,
    results: Mapping[str, Sequence[dg.AssetCheckResult]],
    *,
    blocking: bool = False,
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield the *results* of checks of *asset*, by partition, as they are stored.

    Dagster gives a result to a partition only where a run has one. Each names the materialization that it is
    about, which must be stored by now: the UI shows no other.
    """
    ids = context.instance.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION, {*results}
    )
    newest = context.instance.fetch_materializations(asset, limit=1).records
    for partition, of_partition in results.items():
        target = (
            _Target(storage_id=ids[partition], run_id=context.run.run_id, timestamp=newest[0].timestamp)
            if partition in ids
            else None
        )
        for result in of_partition:
            yield dg.AssetCheckEvaluation(
                asset_key=asset,
                check_name=str(result.check_name),
                partition=partition,
                passed=result.passed,
                severity=result.severity,
                description=result.description,
                metadata=result.metadata,
                target_materialization_data=target,
                blocking=blocking,
            )


def end_of_check(asset: dg.AssetKey, check: str) -> dg.Output[None]:
    """Return what Dagster waits for where the results of a check are stored by partition."""
    return dg.Output(None, dg.AssetCheckSpec(check, asset=asset).get_python_identifier())
