"""Dagster's runs as the planner sees them: what they make, of which partitions, and what for."""

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
_UNDER_WAY = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


class Queue(StrEnum):
    """Where a run waits: loads and reports have limits of their own."""

    LOADS = "loads"
    REPORTS = "reports"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that is queued or running: what it makes, of which partitions, and what it is due for."""

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
    """Return the tags of a run of the workspace *slug* that is *due*: it goes before what people backfill."""
    tags: dict[str, Any] = {DUE_TAG: due, WORKSPACE_TAG: slug, "dagster/priority": "10"}
    return tags | (run_tags(slug) if config.execution == "k8s" else {})


def active_runs(instance: dg.DagsterInstance) -> list[ActiveRun]:
    """Return every run that is queued or running, whoever launched it.

    What a run is never changes: where thousands are queued, each tick reads only those it has not seen.
    """
    ids = instance.get_run_ids(RunsFilter(statuses=_UNDER_WAY))
    found = {run_id: known for run_id in ids if (known := _seen.get(run_id))}
    if unseen := [run_id for run_id in ids if run_id not in found]:
        for run in instance.get_runs(RunsFilter(run_ids=unseen)):
            found[run.run_id] = ActiveRun(assets_of(run), *partitions_of(run), run.tags.get(DUE_TAG))
    _seen.clear()
    _seen.update(found)
    return list(found.values())


def runs_for(instance: dg.DagsterInstance, due: str) -> list[tuple[frozenset[str], datetime]]:
    """Return what each run for *due* was to make, and when it ended."""
    records = instance.get_run_records(RunsFilter(tags={DUE_TAG: due}))
    return [(assets_of(record.dagster_run), record.update_timestamp) for record in records]


def ends_of(instance: dg.DagsterInstance, due: str) -> tuple[list[datetime], list[datetime]]:
    """Return when runs for *due* ended, and when those that failed did."""
    records = instance.get_run_records(RunsFilter(tags={DUE_TAG: due}))
    failed = [each for each in records if each.dagster_run.status is DagsterRunStatus.FAILURE]
    return [each.update_timestamp for each in records], [each.update_timestamp for each in failed]


def assets_of(run: dg.DagsterRun) -> frozenset[str]:
    """Return the keys of what *run* makes: `acme/report/today`."""
    return frozenset("/".join(key.path) for key in run.asset_selection or ())


def partitions_of(run: dg.DagsterRun) -> tuple[str, str]:
    """Return the first and last partition of *run*; without any, it may be every one."""
    one = run.tags.get(PARTITION_TAG)
    return run.tags.get(RANGE_TAGS[0], one or ""), run.tags.get(RANGE_TAGS[1], one or "9999")


RUN_TAG = "dagster-k8s/config"


def run_tags(slug: str) -> dict[str, Any]:
    """Return the tag by which the pod of a run is told its workspace."""
    return {RUN_TAG: {"container_config": {"env": [{"name": ONLY, "value": slug}]}}}
