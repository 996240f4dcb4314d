"""Everything that Dagster loads: the stages in the order of the flow, for every workspace."""

import os
import warnings
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.aggregates.defs import aggregate_assets
from assets.config import Config
from assets.config_file import load_config
from assets.deliver.defs import report_assets
from assets.deliver.resource import ArchiveResource
from assets.extract.defs import extract_assets
from assets.warehouse.resource import WarehouseResource
from orchestration.jobs import workspace_jobs

_DEFAULT_CONFIG = Path(__file__).parents[1] / "reports.yaml"

STAGES = (extract_assets, aggregate_assets, report_assets)


def now() -> datetime:
    """Read the clock: the only place that does, beside the command line."""
    return datetime.now(UTC)


def build_definitions(config: Config) -> dg.Definitions:
    """Return the assets, checks, jobs and resources of every workspace of *config*."""
    with warnings.catch_warnings():
        # What is in beta is pinned by the lock file and tested; the notice would hide real warnings.
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [asset for workspace in config.workspaces for stage in STAGES for asset in stage(workspace)]
    return dg.Definitions(
        assets=assets,
        jobs=[job for workspace in config.workspaces for job in workspace_jobs(workspace)],
        resources={
            "warehouse": WarehouseResource(root=str(config.lake)),
            "archive": ArchiveResource(root=str(config.archive)),
            "clock": now,
        },
    )


defs = build_definitions(load_config(Path(os.environ.get("ASSIGNMENT_REPORTS_CONFIG", _DEFAULT_CONFIG))))
