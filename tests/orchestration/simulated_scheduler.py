"""A deployment whose clock is set by the test: schedules tick by Dagster's own cron, the sensor looks,
and what they request is run."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.test_utils import freeze_time
from dagster._utils.schedules import cron_string_iterator  # what the daemon itself asks for ticks

from assets.archive.catalog import Catalog
from assets.archive.version import Key, Version
from assets.config.loader import load_usable
from assets.config.workspace import Workspace
from assets.periods import PRESETS, Preset
from assets.state.alerts import AlertLog
from orchestration.definitions import build_definitions
from tests.conftest import HEADER
from tests.orchestration.direct_runs import is_direct, run_directly

_CATCH_UP, _DELIVERIES, _FAILURES = _SENSORS = ("catch_up", "deliveries", "run_failure_alert")


@dataclass(frozen=True)
class Done:
    """A run: when it was requested, by what, and what it was."""

    at: datetime
    by: str
    due: str
    job: str | None
    success: bool


@dataclass
class SimulatedScheduler:
    folder: Path
    instance: dg.DagsterInstance
    now: datetime
    cursors: dict[str, str | None] = field(default_factory=dict)
    is_on: bool = True
    by_dagster: bool = False
    is_failure_sensor_on: bool = True
    look_every: timedelta = timedelta(minutes=30)
    runs: list[Done] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.read_configuration()
        self.look(_FAILURES)  # its first look passes over what has failed before

    def read_configuration(self) -> None:
        self.config, self.broken = load_usable(self.folder / "reports.yaml")
        self.definitions = build_definitions(self.config, self.broken, clock=lambda: self.now)
        self.repository = self.definitions.get_repository_def()

    @property
    def alerts(self) -> AlertLog:
        return AlertLog(self.config.state)

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.config.state)

    def workspace(self, slug: str = "acme") -> Workspace:
        return next(each for each in self.config.workspaces if each.slug == slug)

    def versions(self) -> dict[Key, Version]:
        return self.catalog.newest()

    def made(self, report: str) -> list[str]:
        """Return `report date vN at local time` of the newest versions of *report*, in order."""
        return [
            f"{key.report_date} v{version.version} "
            f"{version.made_at.astimezone(self.workspace(key.workspace).zone):%m-%d %H:%M}"
            for key, version in sorted(self.versions().items())
            if key.report == report
        ]

    def pass_time(self, until: datetime) -> None:
        """Let every schedule tick and the sensors look until *until*, where the daemon is on."""
        for at, name in merge(
            *(self._ticks(schedule, until) for schedule in self.schedules()), self._looks(until)
        ):
            self.now = at
            if not self.is_on:
                continue
            if name in _SENSORS:
                self.look(name)
            else:
                self.tick(name)
        self.now = until

    def schedules(self) -> list[dg.ScheduleDefinition]:
        return [each for each in self.repository.schedule_defs if each.name != "maintenance"]

    def _ticks(self, schedule: dg.ScheduleDefinition, until: datetime) -> Iterator[tuple[datetime, str]]:
        crons = (
            [schedule.cron_schedule] if isinstance(schedule.cron_schedule, str) else schedule.cron_schedule
        )
        for cron in crons:
            for at in cron_string_iterator(self.now.timestamp() + 1, cron, schedule.execution_timezone):
                if at > until:
                    break
                yield at.astimezone(UTC), schedule.name

    def _looks(self, until: datetime) -> Iterator[tuple[datetime, str]]:
        at = self.now + self.look_every
        while at <= until:
            yield at, _CATCH_UP
            if any(each.subscriptions for each in self.config.workspaces):
                yield at, _DELIVERIES
            at += self.look_every

    def tick(self, name: str) -> str | None:
        """Let one schedule tick now; return why it launched nothing."""
        context = dg.build_schedule_context(scheduled_execution_time=self.now, repository_def=self.repository)
        context._instance = self.instance  # type: ignore[assignment] # in memory: none could be given
        context._instance_ref = InstanceRef.from_dir(str(self.folder))
        evaluated = self.repository.get_schedule_def(name).evaluate_tick(context)
        for request in evaluated.run_requests or []:
            self.run(request, name)
        return evaluated.skip_message

    def look(self, name: str = "catch_up") -> str | None:
        """Let a sensor look now; return why it launched nothing."""
        context = dg.build_sensor_context(cursor=self.cursors.get(name), repository_def=self.repository)
        context._instance = self.instance
        evaluated = self.repository.get_sensor_def(name).evaluate_tick(context)
        self.cursors[name] = evaluated.cursor
        for request in evaluated.run_requests or []:
            self.run(request, name)
        return evaluated.skip_message

    def run(self, request: dg.RunRequest, by: str) -> None:
        """Run *request*, unless a sensor asked for the same before: Dagster does so once."""
        if by in _SENSORS:
            assert request.run_key not in self.keys, f"{request.run_key} would not be launched again"
            self.keys.add(request.run_key)
        with freeze_time(self.now):
            success = self._run(request, by)
        self.runs.append(
            Done(self.now, by, request.tags.get("assignment_reports/due", ""), request.job_name, success)
        )

    def _run(self, request: dg.RunRequest, by: str) -> bool:
        """Run *request*, by Dagster where it is asked for or more than the flow and reports is to be made."""
        if not self.by_dagster and is_direct(request):
            return run_directly(request, self.config, self.instance, self.now)
        schedules = {schedule.name: schedule.job_name for schedule in self.repository.schedule_defs}
        job = schedules.get(by) or request.job_name or "__ASSET_JOB"
        result = self.repository.get_job(job).execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            asset_selection=list(request.asset_selection or []),
            raise_on_error=False,
        )
        if not result.success and self.is_failure_sensor_on:
            self.look(_FAILURES)
        return result.success

    def failure_context(self, run_id: str) -> dg.RunFailureSensorContext:
        """Return the context in which Dagster calls the failure sensor for a failed run."""
        run = self.instance.get_run_by_id(run_id)
        assert run
        (failed,) = (
            entry.dagster_event
            for entry in self.instance.all_logs(run_id)
            if entry.dagster_event and entry.dagster_event.event_type is dg.DagsterEventType.RUN_FAILURE
        )
        return dg.build_run_status_sensor_context(
            "run_failure_alert", failed, self.instance, run
        ).for_run_failure()


def configure(folder: Path, *workspaces: dict[str, Any], **deployment: Any) -> None:
    """Write a configuration in JSON, which YAML is; reports are data files, which are made fast."""

    plain = {
        "name": "Acme",
        "slug": "acme",
        "timezone": "America/New_York",
        "first_day": "2026-06-10",
        "source": {"type": "files", "path": "events/*.csv"},
        "formats": ["csv"],
        "components": ["metric", "log"],
        "explorer": False,
    }
    whole = {
        "lake": "lake",
        "archive": "out",
        "workspaces": [plain | each for each in workspaces or ({},)],
    } | deployment
    (folder / "reports.yaml").write_text(json.dumps(whole, default=str))


def write_events(  # noqa: PLR0913
    folder: Path, first: date, days: int, name: str = "events.csv", *, per_day: int = 4, hour: int = 0
) -> None:
    """Write *per_day* events for each of *days* days, spread over the UTC day from *hour* on."""
    rows = [
        f"{name}-{first + timedelta(day)}-{n},{first + timedelta(day)}T{hour + n * (24 - hour) // per_day:02}:30:00Z,c{n},k{n},Ann,,Bob,workflow,"
        for day in range(days)
        for n in range(per_day)
    ]
    (folder / "events").mkdir(exist_ok=True)
    (folder / "events" / name).write_text("\n".join([HEADER, *rows, ""]))


@contextmanager
def simulated_scheduler(
    folder: Path, now: datetime, *, presets: Sequence[str] = tuple(PRESETS), by_dagster: bool = False
) -> Iterator[SimulatedScheduler]:
    """Yield a scheduler of the workspaces in *folder*, of which each has these *presets* and `last_month`."""
    with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "assets.config.workspace.PRESETS",
            tuple(each for each in PRESETS if each in (*presets, Preset.LAST_MONTH)),
        )
        yield SimulatedScheduler(folder, instance, now, by_dagster=by_dagster)
