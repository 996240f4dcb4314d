"""Dagster assets of the archive stage, for one workspace: its reports, and which of them are outdated.

Wiring only: which report dates and days a run covers. Figures are counted in `assets/report/`, files are
rendered in `publish.py`, and what the UI shows is in `metadata.py`.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.archive.metadata import CHECKS, check_difference, check_results, describe_report, report_metadata
from assets.archive.outdated import mark_outdated_reports
from assets.archive.resource import ArchiveResource, Made, MakeReports
from assets.clock import Clock
from assets.config.workspace import ReportSpec, Workspace
from assets.errors import TotalsDiffer
from assets.extract.stall_alerts import add_stall_alert
from assets.partitions import days_of, days_read_by, materialized_keys, report_dates_of, report_dates_of_run
from assets.runtime.compat.dagster_materializations import NO_MORE_EVENTS
from assets.runtime.interruptions import call_with_each
from assets.state.alerts import AlertLog
from assets.warehouse.metadata import end_of_check, partition_results
from assets.warehouse.resource import WarehouseResource, retrying_transient_errors

_MAX_DATES_PER_RUN = 31


def report_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return the report assets of *workspace*: one for outdated versions, and one per report."""
    return [
        _catalog_asset(workspace),
        *(_report_asset(workspace, spec) for spec in workspace.all_reports),
    ]


def _catalog_asset(workspace: Workspace) -> dg.AssetsDefinition:
    @dg.asset(
        key=[workspace.slug, "archived_reports"],
        group_name=workspace.group,
        tags={"stage": "archive"},
        deps=[[workspace.slug, "daily_source_aggregates"]],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds={"sql"},
        owners=[workspace.owner],
        description="Archived reports whose days have changed since.",
    )
    def archived_reports(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[WarehouseResource],
        archive: ArchiveResource,
        catalog: dg.ResourceParam[Catalog],
        clock: dg.ResourceParam[Clock],
    ) -> dg.MaterializeResult:
        with retrying_transient_errors(context):
            lake = warehouse.of(workspace.slug)
            outdated = mark_outdated_reports(catalog, lake, workspace, clock())
            add_stall_alert(AlertLog(warehouse.config.state), lake, workspace, clock())
            if outdated:
                write_index(catalog, archive.open().root, [workspace.slug])
        all_outdated = sorted(key for key in catalog.outdated() if key.workspace == workspace.slug)
        names = [f"{key.report} of {key.report_date}" for key in all_outdated]
        return dg.MaterializeResult(metadata={"outdated": len(names), "reports": names})

    return archived_reports


def _report_asset(workspace: Workspace, spec: ReportSpec) -> dg.AssetsDefinition:
    key = dg.AssetKey([workspace.slug, "report", spec.name])
    upstream = [dg.AssetKey([workspace.slug, name]) for name in ("assignment_log", "daily_source_aggregates")]

    @dg.asset(
        key=key,
        group_name=workspace.group,
        tags={"stage": "archive"},
        deps=[
            dg.AssetDep(asset_key, partition_mapping=days_read_by(workspace, spec)) for asset_key in upstream
        ],
        partitions_def=report_dates_of(workspace, spec),
        backfill_policy=dg.BackfillPolicy.multi_run(_MAX_DATES_PER_RUN),
        check_specs=[
            dg.AssetCheckSpec(
                name, asset=key, description=text, partitions_def=report_dates_of(workspace, spec)
            )
            for name, text in CHECKS.items()
        ],
        kinds={format_.value for format_ in spec.formats} & {"html", "pdf"},
        owners=[workspace.owner],
        description=describe_report(workspace, spec),
    )
    def report(
        context: dg.AssetExecutionContext,
        archive: ArchiveResource,
        catalog: dg.ResourceParam[Catalog],
        make_reports: dg.ResourceParam[MakeReports],
        clock: dg.ResourceParam[Clock],
    ) -> Iterator[dg.MaterializeResult | dg.Output]:
        errors, next_due = dict[date, BaseException](), workspace.next_due(spec, clock())
        begun = set[str]()

        def store(made: Made) -> None:
            """Store what became of a report date; where it is repeated, nothing twice."""
            (report_date, future), partition = made, str(made[0])
            if error := future.exception():
                context.log.error("%s: %s", report_date, error)
                errors[report_date] = error
                results = [check_difference(error)] if isinstance(error, TotalsDiffer) else []
            else:
                if partition not in begun or partition not in materialized_keys(context):
                    begun.add(partition)
                    metadata = report_metadata(future.result(), archive, next_due)
                    context.log_event(dg.AssetMaterialization(key, None, metadata, partition=partition))
                write_index(catalog, archive.open().root, [workspace.slug])
                results = check_results(future.result().report)
            for result in partition_results(context, key, {partition: results}):
                context.log_event(result)

        with retrying_transient_errors(context):
            dates = report_dates_of_run(context, workspace)
            call_with_each(make_reports(workspace, spec, dates), store)
            for error in errors.values():
                raise error
        yield dg.MaterializeResult(metadata=NO_MORE_EVENTS)
        yield from (end_of_check(key, name) for name in CHECKS)

    return report
