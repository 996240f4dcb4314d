"""Dagster's runs for the planner: their assets, partitions and due tags."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from assets.config.deployment import Config
from orchestration.code_locations import ONLY

DUE_TAG, WORKSPACE_TAG = "assignment_reports/due", "assignment_reports/workspace"
QUEUE_TAG = "dagster-celery/queue"
PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
FLOW_ASSETS = (
    "assignment_events",
    "rejected_events",
    "assignment_log",
    "daily_source_aggregates",
    "archived_reports",
)
_ACTIVE = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


class Queue(StrEnum):
    """The queue of a run: loads and reports have their own limits."""

    LOADS = "loads"
    REPORTS = "reports"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A queued or running run: its asset keys, first and last partition, and due tag."""

    assets: frozenset[str]
    first_key: str
    last_key: str
    due: str | None

    def loads(self, slug: str, days: Collection[date]) -> bool:
        """Tell whether it loads or builds any of *days* of the workspace *slug*."""
        if not self.assets & {f"{slug}/{name}" for name in FLOW_ASSETS}:
            return False
        return any(self.first_key <= str(day) <= self.last_key for day in days)


_seen: dict[str, ActiveRun] = {}


def due_tags(config: Config, slug: str, due: str) -> dict[str, Any]:
    """Return the tags of a run of the workspace *slug* for *due*, with priority over backfills."""
    tags: dict[str, Any] = {DUE_TAG: due, WORKSPACE_TAG: slug, "dagster/priority": "10"}
    return tags | (run_tags(slug) if config.execution == "k8s" else {})


def active_runs(instance: dg.DagsterInstance) -> list[ActiveRun]:
    """Return every queued or running run, including those launched by hand.

    Runs are cached, as they never change: with thousands queued, a tick reads only the new ones.
    """
    ids = instance.get_run_ids(RunsFilter(statuses=_ACTIVE))
    runs_by_id = {run_id: known_run for run_id in ids if (known_run := _seen.get(run_id))}
    if unseen := [run_id for run_id in ids if run_id not in runs_by_id]:
        for run in instance.get_runs(RunsFilter(run_ids=unseen)):
            runs_by_id[run.run_id] = ActiveRun(assets_of(run), *partitions_of(run), run.tags.get(DUE_TAG))
    _seen.clear()
    _seen.update(runs_by_id)
    return list(runs_by_id.values())


def runs_for(instance: dg.DagsterInstance, due: str) -> list[tuple[frozenset[str], datetime]]:
    """Return the assets of each run for *due*, and when it ended."""
    records = instance.get_run_records(RunsFilter(tags={DUE_TAG: due}))
    return [(assets_of(record.dagster_run), record.update_timestamp) for record in records]


def ends_of(instance: dg.DagsterInstance, due: str) -> tuple[list[datetime], list[datetime]]:
    """Return when runs for *due* ended, and when the failed ones among them did."""
    records = instance.get_run_records(RunsFilter(tags={DUE_TAG: due}))
    failed = [record for record in records if record.dagster_run.status is DagsterRunStatus.FAILURE]
    return [record.update_timestamp for record in records], [record.update_timestamp for record in failed]


def assets_of(run: dg.DagsterRun) -> frozenset[str]:
    """Return the asset keys of *run*, such as `acme/report/today`."""
    return frozenset("/".join(key.path) for key in run.asset_selection or ())


def partitions_of(run: dg.DagsterRun) -> tuple[str, str]:
    """Return the first and last partition of *run*; without partitions, a range that covers all."""
    partition = run.tags.get(PARTITION_TAG)
    return run.tags.get(RANGE_TAGS[0], partition or ""), run.tags.get(RANGE_TAGS[1], partition or "9999")


RUN_TAG = "dagster-k8s/config"


def run_tags(slug: str) -> dict[str, Any]:
    """Return the tag that passes the workspace to the pod of a run."""
    return {RUN_TAG: {"container_config": {"env": [{"name": ONLY, "value": slug}]}}}
