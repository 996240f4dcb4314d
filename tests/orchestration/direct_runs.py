"""Runs of the flow and of reports without Dagster's steps and events: what schedules and sensors see of them.

A run that only asks a source whether it goes on is recorded and not made. Of the others the same stages are called as by the assets; that the assets do so is tested with `orchestration.definitions`.
"""

from datetime import date, datetime

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.test_utils import create_run_for_test

from assets.aggregates.build import build_days
from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.archive.outdated import mark_outdated_reports
from assets.archive.publish import draft_report, publish_report
from assets.config.deployment import Config
from assets.config.workspace import Workspace
from assets.errors import ReportError
from assets.extract.last_load import record_load
from assets.extract.load import load_days
from assets.extract.stall_alerts import add_stall_alert
from assets.periods import Period, as_of
from assets.sources.registry import open_sources
from assets.state.alerts import AlertLog
from assets.state.loads import LoadLog
from assets.warehouse.base import open_warehouse
from orchestration.automation.runs import FLOW_ASSETS, PARTITION_TAG, partitions_of


def is_direct(request: dg.RunRequest) -> bool:
    """Tell whether *request* is for nothing but the flow, reports and the watch of a source."""
    names = [key.path[1] for key in request.asset_selection or ()]
    return all(name in {*FLOW_ASSETS, "report", "source_watch"} for name in names)


def run_directly(request: dg.RunRequest, config: Config, instance: dg.DagsterInstance, now: datetime) -> bool:
    """Do what *request* is for, and record the run as Dagster does; tell whether it succeeded."""
    key = request.partition_key
    tags = {**request.tags, **({PARTITION_TAG: key} if key else {})}
    run: dg.DagsterRun = create_run_for_test(
        instance,
        status=dg.DagsterRunStatus.STARTED,
        tags=tags,
        asset_selection=frozenset(request.asset_selection or ()),
    )
    try:
        if [key.path[1] for key in run.asset_selection or ()] != ["source_watch"]:
            _do(run, config, now)
    except ReportError as error:
        instance.report_run_failed(run, str(error))
        return False
    instance.report_dagster_event(
        DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name), run.run_id
    )
    return True


def _do(run: dg.DagsterRun, config: Config, now: datetime) -> None:
    names = {"/".join(key.path[1:]) for key in run.asset_selection or ()}
    slug = next(key.path[0] for key in run.asset_selection or ())
    workspace = next(each for each in config.workspaces if each.slug == slug)
    first, last = (date.fromisoformat(text) for text in partitions_of(run))
    period = Period(first, last, workspace.zone)
    if names & set(FLOW_ASSETS):
        _load(config, workspace, period, now)
    _make(config, workspace, {name.removeprefix("report/") for name in names}, period, now)


def _load(config: Config, workspace: Workspace, period: Period, now: datetime) -> None:
    lake, catalog = open_warehouse(config, workspace.slug), Catalog(config.state)
    loaded = load_days(workspace, open_sources(workspace, config.imports, now), lake, period.days, now)
    record_load(LoadLog(config.state), lake, workspace, loaded, now)
    build_days(lake, period)
    if mark_outdated_reports(catalog, lake, workspace, now):
        write_index(catalog, config.archive, [workspace.slug])
    add_stall_alert(AlertLog(config.state), lake, workspace, now)


def _make(config: Config, workspace: Workspace, names: set[str], dates: Period, now: datetime) -> None:
    lake, catalog = open_warehouse(config, workspace.slug), Catalog(config.state)
    specs = [spec for spec in workspace.all_reports if spec.name in names]
    for spec in specs:
        for day in dates.days:
            draft = draft_report(lake, workspace, spec, day, as_of(day, now, workspace.zone))
            published = publish_report(draft, Archive(config.archive))
            catalog.record(published.archived, draft.report.as_of, now)
    if specs:
        write_index(catalog, config.archive, [workspace.slug])
