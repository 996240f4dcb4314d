"""Many workspaces on Celery workers, with servers that a test can kill."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
import yaml
from dagster._core.execution.stats import StepEventStatus

from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.deliver.defs import SEND_TAG
from orchestration.automation.runs import FLOW_ASSETS, QUEUE_TAG, RANGE_TAGS, WORKSPACE_TAG
from orchestration.code_locations import attribute_of, name_of, part_of
from orchestration.deployment.instance_files import write_deployment
from tests.servers.postgres import Postgres, cluster, free_port
from tests.servers.redis import Redis, broker
from tests.system.dagster_services import answers, ask, is_open, start, stop
from tests.waiting import until

WORKSPACES, LOCATIONS = 20, 2
FIRST_DAY = date(2026, 3, 20)
DATES = [date(2026, 3, day) for day in (28, 29, 30)]  # in Europe, the 29th has 23 hours
REPORTS = ("yesterday", "last_7_days", "own")
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Sydney")
LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


@dataclass
class CeleryDeployment:
    """A deployment whose parts a test can kill."""

    config: Config
    port: int
    instance: dg.DagsterInstance
    redis: Redis
    postgres: Postgres
    environment: dict[str, str]
    log: Any
    services: list[subprocess.Popen[bytes]]
    again: set[str] = field(default_factory=set)

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        self.services.append(
            start(["assignment-reports", "worker", "--name", name], self.environment, self.log)
        )
        return self.services[-1]

    def launch(self, slug: str, queue: str, first: date | None = None, last: date | None = None) -> str:
        """Launch one run that loads a workspace's days, or makes its reports, as a person does in the UI."""
        names = FLOW_ASSETS if queue == "loads" else tuple(f"report/{name}" for name in REPORTS)
        first = first or (FIRST_DAY if queue == "loads" else DATES[0])
        return self._submit(slug, names, (str(first), str(last or DATES[-1])), {QUEUE_TAG: queue})

    def send(self, slug: str, subscription: str) -> str | None:
        """Launch one run that sends the reports of the last date; None where the webserver failed."""
        dates = (str(DATES[-1]), str(DATES[-1]))
        with suppress(OSError):  # its connections were lost with the database that was restarted
            return self._submit(slug, [f"delivery/{subscription}"], dates, {SEND_TAG: "by_hand"})
        return None

    def _submit(self, slug: str, names: Sequence[str], dates: tuple[str, str], tags: dict[str, str]) -> str:
        location = next(
            number
            for number in range(1, LOCATIONS + 1)
            if slug in {each.slug for each in part_of(self.config, number).workspaces}
        )
        tags |= {WORKSPACE_TAG: slug, **dict(zip(RANGE_TAGS, dates, strict=True))}
        selector = {
            "repositoryName": "__repository__",
            "repositoryLocationName": name_of(location, self.config),
            "jobName": "__ASSET_JOB",
            "assetSelection": [{"path": [slug, *name.split("/")]} for name in names],
        }
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        params = {"selector": selector, "mode": "default", "executionMetadata": metadata}
        answer = ask(self.port, LAUNCH, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def states(self) -> Counter[str]:
        return Counter(run.status.value for run in self.instance.get_runs())

    def failures(self) -> str:
        """Return why runs failed."""
        failed = self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        events = dg.DagsterEventType.RUN_FAILURE
        return "; ".join(
            entry.message for run in failed for entry in self.instance.all_logs(run.run_id, of_type=events)
        )

    def done(self, queue: str) -> set[str]:
        """Return the workspaces of which a run of *queue* ended well."""
        asked = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS], tags={QUEUE_TAG: queue})
        return {run.tags[WORKSPACE_TAG] for run in self.instance.get_runs(asked)}

    def launch_again(self) -> None:
        """Launch anew, as a person does, runs that were killed after their last step: Dagster retries none."""
        for run in self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])):
            if run.run_id not in self.again and self._did_all(run):
                self.launch(run.tags[WORKSPACE_TAG], run.tags[QUEUE_TAG])
                self.again.add(run.run_id)

    def _did_all(self, run: dg.DagsterRun) -> bool:
        assert run.execution_plan_snapshot_id
        plan = self.instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
        steps = self.instance.get_run_step_stats(run.run_id, plan.step_keys_to_execute)
        succeeded = {step.step_key for step in steps if step.status is StepEventStatus.SUCCESS}
        return succeeded == set(plan.step_keys_to_execute)

    def run_reports(self, at_least: int, launched: set[str]) -> bool:
        """Launch the reports of workspaces whose days are there; tell whether so many are made."""
        with suppress(OSError):  # a webserver whose database was restarted
            self.launch_again()
            for slug in sorted(self.done("loads") - launched):
                self.launch(slug, "reports")
                launched.add(slug)
        return len(self.done("reports")) >= at_least


def configuration(folder: Path, postgres: Postgres, every: dict[str, Any], **deployment: Any) -> Path:
    """Write a configuration of many workspaces, each with a table of PostgreSQL."""
    url = postgres.url()
    workspaces = [
        {
            "slug": f"w{number:02}",
            "name": f"Workspace {number}",
            "timezone": ZONES[number % len(ZONES)],
            "first_day": str(FIRST_DAY),
            "source": {"type": "sql", "url": url, "table": f"events_{number}"},
            "interactive": False,
            **({} if number == 0 else every),
            "reports": [{"name": "own", "preset": "last_7_days", "include_today": True}],
        }
        for number in range(WORKSPACES)
    ]
    folder.mkdir(exist_ok=True)
    (path := folder / "reports.yaml").write_text(yaml.safe_dump({"workspaces": workspaces} | deployment))
    return path


def fill(postgres: Postgres) -> None:
    """Make the sources: skewed sizes, every event's time another."""
    for number in range(WORKSPACES):
        count = 40 + 400 * (number % 7 == 0)
        postgres.run(f"""
            CREATE TABLE events_{number} AS
            SELECT 'e' || n AS event_id, TIMESTAMPTZ '2026-03-18 00:00Z' + n * INTERVAL '14 days' / {count} AS occurred_at,
                'k' || n % 17 AS conversation_id, 'k' || n % 17 AS contact_id, 'Contact ' || n % 17 AS contact_name,
                (ARRAY['workflow', 'user', 'ai agent'])[1 + n % 3] AS source,
                'Agent ' || n % 5 AS previous_assignee_name, 'Agent ' || (n + 1) % 5 AS assignee_name,
                'Lead ' || n % 2 AS assigned_by_name
            FROM generate_series(1, {count}) n""")


@contextmanager
def celery_deployment(
    folder: Path, object_store: str, every: dict[str, Any] | None = None, **deployment: Any
) -> Iterator[CeleryDeployment]:
    """Start PostgreSQL, Redis and Dagster's services for workspaces that are as told by *every*; no worker."""
    bucket = f"{object_store}/{uuid4().hex}"
    with cluster() as postgres, broker() as redis, (folder / "services.log").open("w") as log:
        postgres.run("CREATE DATABASE dagster; CREATE DATABASE state;")
        fill(postgres)
        database = postgres.url("postgres").rpartition("/")[0]
        path = configuration(
            folder,
            postgres,
            every or {},
            execution="celery",
            broker="${BROKER_URL}",
            locations=LOCATIONS,
            lake=f"{bucket}/lake",
            archive=f"{bucket}/archive",
            state=f"{database}/state",
            # No more runs than workers have processes: what waits in the broker may be thought to be lost.
            **({"limits": {"runs": 2, "per_workspace": 1}} | deployment),
        )
        config = load_config(path)
        ports = _free_ports(LOCATIONS)
        dagster, workspace = write_deployment(config, folder / "home", code_servers=f"127.0.0.1:{ports[0]}")
        # A dead worker is noticed by three looks, a lost task by its time: a test does not wait for minutes.
        text = dagster.read_text().replace("  poll_interval_seconds: 15", "  poll_interval_seconds: 3")
        dagster.write_text(text.replace("start_timeout_seconds: 180", "start_timeout_seconds: 40"))
        environment = os.environ | {
            "PYTHONTZPATH": "",
            "DAGSTER_HOME": str(folder / "home"),
            "DAGSTER_POSTGRES_URL": f"{database}/dagster".replace("+psycopg", "+psycopg2"),
            "ASSIGNMENT_REPORTS_CONFIG": str(path),
            "BROKER_URL": redis.url,
        }
        port = free_port()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            services: list[subprocess.Popen[bytes]] = []
            with dg.DagsterInstance.get() as instance:
                found = CeleryDeployment(config, port, instance, redis, postgres, environment, log, services)
                try:
                    for number, each in enumerate(ports, 1):
                        code = ["api", "grpc", "-m", "orchestration.definitions", "-a", attribute_of(number)]
                        command = ["dagster", *code, "-h", "127.0.0.1", "-p", str(each)]
                        services.append(start(command, environment, log))
                    until(lambda: all(map(is_open, ports)), "the code servers")
                    web = [
                        "assignment-reports",
                        "serve",
                        "--port",
                        str(port),
                        "--workspace-file",
                        str(workspace),
                    ]
                    services.append(start(web, environment, log))
                    services.append(start(["dagster-daemon", "run", "-w", str(workspace)], environment, log))
                    until(lambda: answers(port), "the webserver")
                    yield found
                finally:
                    stop(services)


def _free_ports(count: int) -> range:
    """Return *count* ports of loopback in a row that are free now."""
    while True:
        ports = range(first := free_port(), first + count)
        if not any(map(is_open, ports)):
            return ports
