"""The production shape on loopback: code server, webserver and daemon on PostgreSQL, as deploy/ has them."""

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from sqlalchemy import func, select

from assets.aggregates.lineage import stale_days
from assets.archive.catalog import Catalog
from assets.config.loader import load_config
from assets.warehouse.parquet_lake import Lake
from assets.warehouse.schema import LOAD_COUNTS
from orchestration.automation.runs import FLOW_ASSETS
from tests.orchestration.simulated_scheduler import configure, write_events
from tests.servers.postgres import Postgres, free_port
from tests.system.dagster_services import ROOT, answers, ask, is_open, start, stop
from tests.waiting import until

DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(120)]
PER_DAY = 240
REPORTS = ("yesterday", "last_7_days")
SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "assignment_reports"}
LAUNCH = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } ... on Error { message } } }"""


TERMINATE = """mutation ($id: String!) { terminateRun(runId: $id) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""


CONTINUE = """mutation ($parent: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $parent, strategy: FROM_FAILURE}) {
    __typename ... on PythonError { message } } }"""


class Mailbox(Message):
    def __init__(self) -> None:
        super().__init__()
        self.subjects: list[str] = []

    def handle_message(self, message: Any) -> None:
        self.subjects.append(message["Subject"])


@dataclass
class Deployment:
    folder: Path
    port: int
    mailbox: Mailbox
    instance: dg.DagsterInstance

    def ask(self, query: str, **variables: Any) -> Any:
        return ask(self.port, query, **variables)

    def backfill(self, workspace: str, assets: tuple[str, ...], keys: list[str]) -> str:
        selection = [{"path": [workspace, *name.split("/")]} for name in assets]
        params = {"assetSelection": selection, "partitionNames": keys}
        answer = self.ask(LAUNCH, params=params)["launchPartitionBackfill"]
        assert "backfillId" in answer, answer
        return str(answer["backfillId"])

    def runs(self, backfill: str) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill})))

    def scheduled_runs(self) -> list[dg.DagsterRun]:
        """Return the runs that no backfill launched."""
        return [run for run in self.instance.get_runs() if "dagster/backfill" not in run.tags]

    def nightly_flows(self) -> set[str]:
        """Return the workspaces whose nightly flow was launched by the daemon at its own tick."""
        schedules = (run.tags.get("dagster/schedule_name", "") for run in self.scheduled_runs())
        return {name.removesuffix("_nightly_flow") for name in schedules if name.endswith("_nightly_flow")}

    def is_done(self, backfill: str) -> bool:
        found = self.instance.get_backfill(backfill)
        return found is not None and found.status.value.startswith("COMPLETED")

    def pid(self, run: dg.DagsterRun) -> int:
        texts = (entry.message for entry in self.instance.all_logs(run.run_id))
        return next(int(found[1]) for text in texts if (found := re.search(r"pid: (\d+)", text)))

    def materialized(self, slug: str, keys: list[str]) -> list[tuple[str, str]]:
        """Return report and report date of every materialization of *keys*, as the UI shows them."""
        return [
            (name, record.partition_key)
            for name in REPORTS
            for record in self.instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey([slug, "report", name]), asset_partitions=keys), limit=1_000
            ).records
            if record.partition_key
        ]

    def cataloged(self, slug: str, keys: list[str]) -> set[tuple[str, str]]:
        found = Catalog(load_config(self.folder / "reports.yaml").state).newest(workspace=slug)
        return {
            (key.report, str(key.report_date))
            for key in found
            if key.report in REPORTS and str(key.report_date) in keys
        }

    def indexed(self, slug: str, keys: list[str]) -> set[tuple[str, str]]:
        """Return report and report date of each version of *keys* that the index links to."""
        page = self.folder / "out" / slug / "index.html"
        links = re.findall(r'href="(\w+)/([\d-]+)/v1/', page.read_text()) if page.exists() else []
        return {(name, day) for name, day in links if name in REPORTS and day in keys}

    def files(self, slug: str) -> dict[Path, bytes]:
        root = self.folder / "lake" / slug
        parts = root.glob("*/local_day=2025-*/part.parquet")
        return {path.relative_to(root): path.read_bytes() for path in parts}

    def lake(self, slug: str) -> Lake:
        return Lake(self.folder / "lake", slug)

    def days(self, table: str, slug: str) -> int:
        return len(list((self.folder / "lake" / slug / table).glob("local_day=2025-*/part.parquet")))


@pytest.fixture(scope="module")
def deployment(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("production")
    postgres.run("CREATE DATABASE dagster OWNER postgres;")
    write_events(folder, DAYS[0], len(DAYS), per_day=PER_DAY)
    mailbox = Mailbox()
    mail = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    mail.start()
    soon = datetime.now(ZoneInfo("America/New_York")) + timedelta(seconds=150)
    workspaces = {"first_day": "2025-01-01", "flow_at": f"{soon:%H:%M}", "today_every": 5, "explorer": True}
    configure(
        folder,
        workspaces,
        workspaces | {"slug": "beta"},
        start_schedules=True,
        state=f"{postgres.url('postgres')}",
        operator="operator@example.org",
        smtp={"host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "reports@example.org"},
    )
    (home := folder / "home").mkdir()
    shutil.copy(ROOT / "deploy" / "dagster.yaml", home)
    ports = [str(free_port()), str(free_port())]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONTZPATH": "",
        "DAGSTER_HOME": str(home),
        "DAGSTER_POSTGRES_URL": postgres.url("postgres")
        .removesuffix("postgres")
        .replace("+psycopg", "+psycopg2")
        + "dagster",
        "DAGSTER_COMPUTE_LOGS": str(folder / "logs"),
        "ASSIGNMENT_REPORTS_CONFIG": str(folder / "reports.yaml"),
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        "CODE_SERVER_HOST": "127.0.0.1",
        "CODE_SERVER_PORT": ports[0],
    }
    workspace = ["-w", str(ROOT / "deploy" / "workspace.yaml")]
    commands = [
        ["dagster", "api", "grpc", "-m", "orchestration.definitions", "-h", "127.0.0.1", "-p", ports[0]],
        ["assignment-reports", "serve", "--port", ports[1], "--workspace-file", workspace[1]],
        ["dagster-daemon", "run", *workspace],
    ]
    with (folder / "services.log").open("w") as log, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        services = []
        for command in commands:
            services.append(start(command, environment, log))
            if command[0] == "dagster":
                until(
                    lambda: is_open(int(ports[0])), "the code server"
                )  # the others ask it for what there is
        try:
            with dg.DagsterInstance.get() as instance:
                found = Deployment(folder, int(ports[1]), mailbox, instance)
                until(lambda: answers(found.port), "the webserver")
                yield found
        finally:
            stop(services)
            mail.stop()


@pytest.mark.xdist_group("deployments with limits of time")
def test_backfills_survive_death_and_cancellation_while_schedules_tick_and_mail_nobody(
    deployment: Deployment,
) -> None:
    keys = [str(day) for day in DAYS]
    acme, beta = (deployment.backfill(slug, FLOW_ASSETS, keys) for slug in ("acme", "beta"))
    until(lambda: deployment.days("assignment_events", "acme") > 20, "the load to be in the middle")
    (first,) = deployment.runs(acme)
    os.kill(deployment.pid(first), signal.SIGKILL)

    until(lambda: deployment.days("assignment_events", "beta") > 20, "the load to be in the middle")
    with deployment.lake("beta").writing():  # nothing more can be built while the test has the lake
        (run,) = deployment.runs(beta)
        answer = deployment.ask(TERMINATE, id=run.run_id)["terminateRun"]
        assert answer == {"__typename": "TerminateRunSuccess"}
        until(lambda: deployment.runs(beta)[0].is_finished, "the cancellation, by the run itself", seconds=50)
    assert deployment.runs(beta)[0].status.value == "CANCELED"
    assert deployment.days("load_counts", "beta") == len(DAYS)
    assert deployment.days("log_counts", "beta") in {0, len(DAYS)}

    until(lambda: deployment.is_done(acme), "the run that takes over")
    assert sorted(run.status.value for run in deployment.runs(acme)) == ["FAILURE", "SUCCESS"]
    lake = deployment.lake("acme")
    stored = lake.query(select(func.sum(LOAD_COUNTS.c.accepted_count))).column(0)[0].as_py()
    assert stored == len(DAYS) * PER_DAY - before_the_first_day()
    assert not {*stale_days(lake)} & {*DAYS}, "the running day may just be loaded by a schedule"
    whole = deployment.files("acme")

    months = [f"2025-{month:02}-01" for month in range(2, 6)]
    monthly = deployment.backfill("acme", ("report/last_month",), months)
    again = deployment.backfill("beta", FLOW_ASSETS, keys)
    until(lambda: deployment.is_done(again) and deployment.is_done(monthly), "the other backfills")
    assert deployment.files("beta") == deployment.files("acme") == whole
    assert [run.status.value for run in deployment.runs(monthly)] == ["SUCCESS"]
    archive = deployment.folder / "out" / "acme" / "last_month"
    totals = [json.loads((archive / month / "v1" / "report.json").read_text())["total"] for month in months]
    assert sum(totals) == stored
    until(lambda: deployment.nightly_flows() == {"acme", "beta"}, "the nightly flows")
    until(lambda: {run.status.value for run in deployment.scheduled_runs()} == {"SUCCESS"}, "their end")
    until(lambda: not stale_days(lake) and not stale_days(deployment.lake("beta")), "all days to be built")
    assert deployment.files("beta") == deployment.files("acme") == whole
    assert deployment.mailbox.subjects == []


@pytest.mark.xdist_group("deployments with limits of time")
def test_killed_and_canceled_backfills_of_reports_keep_what_is_done(deployment: Deployment) -> None:
    keys = [str(day) for day in DAYS[31:62]]
    reports = tuple(f"report/{name}" for name in REPORTS)
    whole = {(name, key) for name in REPORTS for key in keys}
    killed, canceled = (deployment.backfill(slug, reports, keys) for slug in ("acme", "beta"))
    until(lambda: len(deployment.materialized("acme", keys)) > 5, "some reports")
    (first,) = deployment.runs(killed)
    os.kill(deployment.pid(first), signal.SIGKILL)
    left = deployment.materialized("acme", keys)
    assert 5 < len(left) < len(whole)
    assert set(left) <= deployment.cataloged("acme", keys), "the UI shows what is there"

    until(lambda: len(deployment.materialized("beta", keys)) > 5, "some reports")
    (run,) = deployment.runs(canceled)
    assert deployment.ask(TERMINATE, id=run.run_id)["terminateRun"] == {"__typename": "TerminateRunSuccess"}
    until(lambda: deployment.runs(canceled)[0].is_finished, "the cancellation")
    left = deployment.materialized("beta", keys)
    assert 5 < len(left) < len(whole)
    assert set(left) == deployment.cataloged("beta", keys) == deployment.indexed("beta", keys)

    answer = deployment.ask(CONTINUE, parent=run.run_id)["launchRunReexecution"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    until(lambda: set(deployment.materialized("beta", keys)) == whole, "the rest of the canceled reports")
    until(lambda: deployment.is_done(killed), "the run that takes over")
    for slug in ("acme", "beta"):
        made = deployment.materialized(slug, keys)
        assert sorted(made) == sorted(whole), "each is stored once"
        assert set(made) == deployment.cataloged(slug, keys) == deployment.indexed(slug, keys)


def before_the_first_day() -> int:
    """Count the events of the first UTC hours: in New York they belong to the day before the first."""
    return sum(n * 24 // PER_DAY < 5 for n in range(PER_DAY))
