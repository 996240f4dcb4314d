"""Dagster assets of the archive stage, for one workspace: its reports, and which of them are outdated.

Wiring only: which report dates and days a run covers. Figures are counted in `assets/report/`, files are
rendered in `publish.py`, and what the UI shows is in `metadata.py`.
"""

from collections.abc import Iterator

import dagster as dg

from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.archive.metadata import RECONCILE, check_results, report_metadata
from assets.archive.outdated import outdated_reports
from assets.archive.publish import draft_report, publish_report
from assets.archive.resource import ArchiveResource
from assets.clock import Clock
from assets.config.workspace import ReportSpec, Workspace
from assets.errors import TotalsDiffer
from assets.extract.stall_alerts import add_stall_alert
from assets.partitions import days_of, days_read_by, report_dates_of, report_dates_of_run
from assets.periods import as_of
from assets.state.alerts import AlertLog
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
        group_name="report",
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
            outdated = outdated_reports(catalog, lake, workspace)
            catalog.mark_outdated(outdated, clock())
            add_stall_alert(AlertLog(warehouse.config.state), lake, workspace, clock())
        if outdated:
            write_index(catalog, archive.open().root, [workspace.slug])
        names = [f"{key.report} of {key.report_date}" for key in sorted(outdated)]
        return dg.MaterializeResult(metadata={"outdated": len(outdated), "reports": names})

    return archived_reports


def _report_asset(workspace: Workspace, spec: ReportSpec) -> dg.AssetsDefinition:
    key = dg.AssetKey([workspace.slug, "report", spec.name])
    upstream = [dg.AssetKey([workspace.slug, name]) for name in ("assignment_log", "daily_source_aggregates")]

    @dg.asset(
        key=key,
        group_name="report",
        deps=[
            dg.AssetDep(asset_key, partition_mapping=days_read_by(workspace, spec)) for asset_key in upstream
        ],
        partitions_def=report_dates_of(workspace, spec),
        backfill_policy=dg.BackfillPolicy.multi_run(_MAX_DATES_PER_RUN),
        check_specs=[
            dg.AssetCheckSpec(RECONCILE, asset=key, description="every total of the report is the same"),
            dg.AssetCheckSpec(
                "complete", asset=key, description="every day is loaded, every input was read and understood"
            ),
        ],
        kinds={format_.value for format_ in spec.formats} & {"html", "pdf"},
        owners=[workspace.owner],
        description=f"The report {spec.name.replace('_', ' ')}, archived as "
        f"{', '.join(format_.value.upper() for format_ in spec.formats)}.",
    )
    def report(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[WarehouseResource],
        archive: ArchiveResource,
        catalog: dg.ResourceParam[Catalog],
        clock: dg.ResourceParam[Clock],
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        lake, now = warehouse.of(workspace.slug), clock()
        published = []
        with retrying_transient_errors(context):
            for report_date in report_dates_of_run(context, workspace):
                until = as_of(report_date, now, workspace.zone)
                try:
                    draft = draft_report(lake, workspace, spec, report_date, until)
                except TotalsDiffer as error:
                    yield dg.AssetCheckResult(check_name=RECONCILE, passed=False, description=str(error))
                    raise
                published.append(publish_report(draft, archive.open()))
                catalog.record(published[-1].archived, draft.report.as_of, now)
                context.add_asset_metadata(
                    report_metadata(published[-1], archive), partition_key=str(report_date)
                )
            write_index(catalog, archive.open().root, [workspace.slug])
        yield dg.MaterializeResult(check_results=check_results(published))

    return report
