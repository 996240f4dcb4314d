"""The Dagster definitions: the stages' assets for every workspace, schedules, sensors and resources.

Add assets in a stage's `defs.py`, and a new stage to `STAGES`; this module only collects them.
"""

import os
import warnings
from collections.abc import Generator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import dagster as dg

from assets.aggregates.defs import aggregate_assets
from assets.archive.catalog import Catalog
from assets.archive.defs import report_assets
from assets.archive.publish import make_report
from assets.archive.resource import ArchiveResource, Made
from assets.clock import Clock
from assets.config.deployment import Config
from assets.config.loader import load_usable
from assets.config.workspace import ReportSpec, Workspace
from assets.deliver.defs import delivery_assets
from assets.deliver.dispatcher import Dispatcher
from assets.deliver.ledger import Ledger
from assets.errors import ConfigError
from assets.extract.defs import extract_assets
from assets.warehouse.resource import WarehouseResource
from orchestration.automation.delivery_sensor import delivery_sensor
from orchestration.automation.due_sensor import due_sensor
from orchestration.automation.failure_sensor import failure_sensor
from orchestration.automation.maintenance import (
    configuration_sensor,
    maintenance_assets,
    maintenance_schedule,
)
from orchestration.automation.schedules import schedule_jobs, workspace_schedules
from orchestration.code_locations import attribute_of, part_of
from orchestration.report_processes import call_in_processes

_CHECKOUT_CONFIG = Path(__file__).parents[1] / "reports.yaml"

# Flow and reports are in one job, and backfilled by runs of a different length: that is as it should be.
warnings.filterwarnings("ignore", "Asset job .* materializes assets with varying BackfillPolicies")

STAGES = (extract_assets, aggregate_assets, report_assets, delivery_assets)


def read_clock() -> datetime:
    """Return the current instant in UTC; only this function and the command line read the clock."""
    return datetime.now(UTC)


def build_definitions(
    whole: Config, broken: Sequence[str] = (), clock: Clock = read_clock, location: int = 1
) -> dg.Definitions:
    """Return the definitions of a *location*; *broken* are the errors of workspaces that are left out.

    Maintenance, which belongs to no workspace, is in the first location.
    """
    config = part_of(whole, location)
    catalog, jobs = Catalog(config.state), schedule_jobs(config)

    def make_reports(
        workspace: Workspace, spec: ReportSpec, dates: Sequence[date]
    ) -> Generator[Made, None, None]:
        return call_in_processes(partial(make_report, config, workspace, spec, now=clock()), dates)

    dispatcher = Dispatcher(config, catalog, Ledger(config.state), clock)
    schedule_status, sensor_status = (
        (dg.DefaultScheduleStatus.RUNNING, dg.DefaultSensorStatus.RUNNING)
        if config.start_schedules
        else (dg.DefaultScheduleStatus.STOPPED, dg.DefaultSensorStatus.STOPPED)
    )
    with warnings.catch_warnings():
        # Such features are pinned by the lock file and tested; the notice would hide real warnings.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        assets = dg.with_source_code_references(
            [asset for workspace in config.workspaces for stage in STAGES for asset in stage(workspace)]
        )
    return dg.Definitions(
        assets=[*assets, *(maintenance_assets(whole, broken) if location == 1 else ())],
        schedules=[
            *([maintenance_schedule(schedule_status)] if location == 1 else ()),
            *(
                schedule
                for workspace in config.workspaces
                for schedule in workspace_schedules(workspace, config, catalog, jobs, schedule_status)
            ),
        ],
        sensors=[
            *([configuration_sensor(whole, broken)] if location == 1 else ()),
            due_sensor(config, jobs, broken, clock, sensor_status),
            failure_sensor(config, clock, sensor_status),
            delivery_sensor(dispatcher, sensor_status),
        ],
        executor=dg.in_process_executor,  # starting a process for each step costs more than the work
        resources={
            "warehouse": WarehouseResource(config),
            "archive": ArchiveResource(root=str(config.archive), url=config.archive_url),
            "catalog": catalog,
            "clock": clock,
            "dispatcher": dispatcher,
            "make_reports": make_reports,
        },
    )


def config_file() -> Path:
    """Return the path of the configuration: from the environment, or the demo's at the root of a checkout.

    Raises ConfigError if the environment sets none and there is no checkout.
    """
    if path := os.environ.get("ASSIGNMENT_REPORTS_CONFIG"):
        return Path(path)
    if not _CHECKOUT_CONFIG.exists():
        raise ConfigError("ASSIGNMENT_REPORTS_CONFIG: required, the path of your reports.yaml")
    return _CHECKOUT_CONFIG


_config, _broken = load_usable(config_file())
for _mistake in _broken:
    dg.get_dagster_logger().warning("A workspace is left out: %s", _mistake)
if _config.locations == 1:
    defs = build_definitions(_config, _broken)


def __getattr__(name: str) -> dg.Definitions:
    """Return the definitions of one of several locations, such as `location_3`, built on first access."""
    for number in range(1, _config.locations + 1):
        if name == attribute_of(number):
            return build_definitions(_config, _broken, location=number)
    raise AttributeError(name)
