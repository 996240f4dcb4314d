"""The jobs of one workspace: the daily flow, the daily reports, the monthly report.

The steps of a job share one process: starting one for each costs more than the work.
"""

from typing import TYPE_CHECKING

import dagster as dg

from assets.config import ReportSpec, Workspace
from assets.periods import Preset

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

FLOW, DAILY_REPORTS, MONTHLY_REPORT = "daily_flow", "daily_reports", "monthly_report"
_FLOW_TABLES = ("assignment_events", "rejected_events", "assignment_log", "daily_source_aggregates")


def job_name(workspace: Workspace, name: str) -> str:
    """Return the name of one of the jobs of *workspace*."""
    return f"{workspace.slug.replace('-', '_')}_{name}"


def workspace_jobs(workspace: Workspace) -> "list[UnresolvedAssetJobDefinition]":
    """Return the jobs of *workspace*."""
    monthly = [spec for spec in workspace.all_reports if spec.preset is Preset.LAST_MONTH]
    daily = [spec for spec in workspace.all_reports if spec.preset is not Preset.LAST_MONTH]
    plan = (
        (FLOW, _FLOW_TABLES, "Load local days, build their log and their counts."),
        (DAILY_REPORTS, _names(daily), "Build and archive every report of a report date."),
        (MONTHLY_REPORT, _names(monthly), "Build and archive the reports of the month before."),
    )
    return [
        dg.define_asset_job(
            job_name(workspace, name),
            selection=dg.AssetSelection.assets(*([workspace.slug, *asset.split("/")] for asset in assets)),
            executor_def=dg.in_process_executor,
            description=description,
            tags={"assignment_reports/workspace": workspace.slug},
        )
        for name, assets, description in plan
    ]


def _names(specs: list[ReportSpec]) -> tuple[str, ...]:
    return tuple(f"report/{spec.name}" for spec in specs)
