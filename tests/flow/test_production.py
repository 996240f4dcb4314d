"""The production shape on loopback: code server, webserver and daemon on PostgreSQL, as deploy/ has them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from sqlalchemy import func, select

from assets.warehouse.lake import Lake
from assets.warehouse.schema import LOAD_COUNTS, LOG_COUNTS
from orchestration.dispatch import FLOW_ASSETS
from tests.conftest import Postgres, _free_port
from tests.flow.world import configure, write_events

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
YEAR = [date(2025, 1, 1).fromordinal(date(2025, 1, 1).toordinal() + n) for n in range(365)]
SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "assignment_reports"}
LAUNCH = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } ... on Error { message } } }"""


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
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def backfill(self, workspace: str, assets: tuple[str, ...], keys: list[str]) -> str:
        selection = [{"path": [workspace, *name.split("/")]} for name in assets]
        params = {"assetSelection": selection, "partitionNames": keys}
        answer = self.ask(LAUNCH, params=params)["launchPartitionBackfill"]
        assert "backfillId" in answer, answer
        return str(answer["backfillId"])

    def runs(self, backfill: str) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill})))

    def is_done(self, backfill: str) -> bool:
        found = self.instance.get_backfill(backfill)
        return found is not None and found.status.value.startswith("COMPLETED")

    def pid(self, run: dg.DagsterRun) -> int:
        texts = (entry.message for entry in self.instance.all_logs(run.run_id))
        return next(int(found[1]) for text in texts if (found := re.search(r"pid: (\d+)", text)))

    def lake(self, slug: str) -> Lake:
        return Lake(self.folder / "lake", slug)

    def loaded(self, slug: str = "acme") -> int:
        return len(list((self.folder / "lake" / slug / "load_counts").glob("local_day=2025-*/part.parquet")))


def until(is_so: Callable[[], Any], seconds: int, what: str) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := is_so():
            return found
        time.sleep(0.2)
    pytest.fail(f"waited {seconds} s: {what}")


@pytest.fixture(scope="module")
def deployment(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("production")
    postgres.run("CREATE DATABASE dagster OWNER postgres;")
    write_events(folder, YEAR[0], 365, per_day=60)
    mailbox = Mailbox()
    mail = Controller(mailbox, hostname="127.0.0.1", port=_free_port())
    mail.start()
    configure(
        folder,
        {"first_day": "2025-01-01"},
        {"slug": "beta", "first_day": "2025-01-01"},
        state=f"{postgres.url('postgres')}",
        operator="operator@example.org",
        smtp={"host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "reports@example.org"},
    )
    (home := folder / "home").mkdir()
    shutil.copy(ROOT / "deploy" / "dagster.yaml", home)
    ports = [str(_free_port()), str(_free_port())]
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
        ["dagster-webserver", "-h", "127.0.0.1", "-p", ports[1], *workspace],
        ["dagster-daemon", "run", *workspace],
    ]
    with (folder / "services.log").open("w") as log, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        services = []
        for program, *arguments in commands:
            services.append(
                subprocess.Popen(
                    [str(BIN / program), *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log
                )
            )
            if program == "dagster":
                time.sleep(4)  # the others ask it for what there is
        with dg.DagsterInstance.get() as instance:
            found = Deployment(folder, int(ports[1]), mailbox, instance)
            until(lambda: _answers(found), 90, "the webserver")
            yield found
        for service in reversed(services):
            service.terminate()
        for service in services:
            service.wait(30)
    mail.stop()


def _answers(deployment: Deployment) -> bool:
    try:
        found = deployment.ask("{assetNodes {id}}")
    except OSError:
        return False
    return len(found["assetNodes"]) > 0


@pytest.mark.slow
def test_a_year_is_one_run_and_survives_the_death_of_its_process(deployment: Deployment) -> None:
    keys = [str(day) for day in YEAR]
    backfill = deployment.backfill("acme", FLOW_ASSETS, keys)
    (first,) = until(lambda: deployment.runs(backfill), 90, "the backfill's run")
    until(lambda: deployment.loaded() > 20, 90, "the load to be in the middle")
    os.kill(deployment.pid(first), signal.SIGKILL)
    assert deployment.loaded() < 365
    until(lambda: deployment.is_done(backfill), 240, "the run that takes over")
    runs = deployment.runs(backfill)
    assert sorted(run.status.value for run in runs) == ["FAILURE", "SUCCESS"]
    lake = deployment.lake("acme")
    assert (
        lake.query(select(func.sum(LOAD_COUNTS.c.accepted_count))).column(0)[0].as_py() == 365 * 60 - lost()
    )
    assert lake.query(select(func.count()).select_from(LOG_COUNTS)).column(0)[0].as_py() == 365
    assert deployment.mailbox.subjects == []


def lost() -> int:
    """Events of the first UTC hours are of the local day before the first."""
    return sum(n * 24 // 60 < 5 for n in range(60))


@pytest.mark.slow
def test_a_cancelled_backfill_is_resumed_and_another_workspace_is_not_touched(deployment: Deployment) -> None:
    before = {path: path.read_bytes() for path in (deployment.folder / "lake" / "acme").rglob("part.parquet")}
    keys = [str(day) for day in YEAR]
    backfill = deployment.backfill("beta", FLOW_ASSETS, keys)
    until(lambda: deployment.loaded("beta") > 20, 90, "the load to be in the middle")
    deployment.ask(
        "mutation ($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }", id=backfill
    )
    until(lambda: all(run.is_finished for run in deployment.runs(backfill)), 90, "the cancellation")
    again = deployment.backfill("beta", FLOW_ASSETS, keys)
    until(lambda: deployment.is_done(again), 120, "the backfill that goes on")
    after = {path: path.read_bytes() for path in (deployment.folder / "lake" / "acme").rglob("part.parquet")}
    assert after == before
    beta = deployment.folder / "lake" / "beta"
    same = {
        path: (beta / path.relative_to(deployment.folder / "lake" / "acme")).read_bytes() for path in before
    }
    assert same == before  # the same events, whole in one way or another


@pytest.mark.slow
def test_twelve_months_are_reported_by_one_backfill_and_nobody_is_mailed(deployment: Deployment) -> None:
    months = [f"2025-{month:02}-01" for month in range(2, 13)] + ["2026-01-01"]
    backfill = deployment.backfill("acme", ("report/last_month",), months)
    until(lambda: deployment.is_done(backfill), 120, "the monthly reports")
    assert {run.status.value for run in deployment.runs(backfill)} == {"SUCCESS"}
    totals = [
        json.loads((deployment.folder / f"out/acme/last_month/{month}/v1/report.json").read_text())["total"]
        for month in months
    ]
    assert sum(totals) == 365 * 60 - lost()
    assert deployment.mailbox.subjects == []
