"""What fails on Celery workers, PostgreSQL and an object store changes no byte of any report."""

import json
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import func, select

from assets.archive.catalog import Catalog
from assets.archive.version import MANIFEST
from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.deliver.ledger import Ledger
from assets.state.database import open_state
from assets.warehouse.base import open_warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG
from orchestration.pipeline import PipelineRequest, run_pipeline
from tests.servers.mail_server import MailServer, mail_server
from tests.system.celery_deployment import DATES, REPORTS, CeleryDeployment, celery_deployment, configuration
from tests.system.dagster_services import BIN, kill
from tests.waiting import until

_FAULTS = 4
RECIPIENTS = ["ann@acme.example", "bob@acme.example", "cy@acme.example"]
PLAIN = {
    "formats": ["csv"],
    "components": ["metric", "log"],
    "subscriptions": [{"name": "managers", "reports": ["own"], "attach": ["csv"], "recipients": RECIPIENTS}],
}


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


@pytest.fixture(scope="module")
def deployment(
    object_store: str, server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CeleryDeployment]:
    with celery_deployment(
        tmp_path_factory.mktemp("deployment"), object_store, PLAIN, smtp=smtp_of(server)
    ) as found:
        yield found


def smtp_of(server: MailServer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(server.settings().model_dump_json())
    return found


def archived(root: Path) -> dict[str, dict[str, bytes]]:
    """Return the files of every version; one whose process was killed may have no manifest."""
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for path in root.glob("*/*/*/v*/*"):
        if path.suffix and path.is_file():
            found[str(path.parent)[len(str(root)) + 1 :]][path.name] = path.read_bytes()
    return found


@pytest.mark.xdist_group("deployments with limits of time")
def test_killed_and_frozen_workers_and_restarted_servers_change_no_byte_and_double_no_mail(
    deployment: CeleryDeployment, server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"127.0.0.1:{deployment.redis.port}/0 answers" in doctor(deployment)
    workers = make_everything_among_faults(deployment)
    ours = archived(deployment.config.archive)
    torn = [version for version, files in ours.items() if MANIFEST not in files]
    assert len(torn) <= _FAULTS
    alone = load_config(
        configuration(
            tmp_path,
            deployment.postgres,
            PLAIN,
            smtp=smtp_of(server),
            lake=str(tmp_path / "lake"),
            archive=str(tmp_path / "out"),
        )
    )
    for version in torn:  # its number is taken
        del ours[version]
        (alone.archive / version).mkdir(parents=True)
    monkeypatch.setattr("orchestration.report_processes.cpu_count", lambda: 1)  # 60 times another process
    make_everything(alone)
    theirs = archived(alone.archive)
    assert sorted(version.rpartition("/")[0] for version in theirs) == sorted(
        f"{each.slug}/{report}/{day}" for each in alone.workspaces for report in REPORTS for day in DATES
    )
    suffixes = {Path(name).suffix for files in theirs.values() for name in files}
    assert suffixes == {".csv", ".html", ".json", ".parquet", ".pdf", ".xlsx"}
    assert ours.keys() == theirs.keys()
    assert [version for version in theirs if ours[version] != theirs[version]] == []
    counted = select(func.count()).select_from(ASSIGNMENT_LOG).where(ASSIGNMENT_LOG.c.local_day.in_(DATES))
    for workspace in alone.workspaces:
        both = [open_warehouse(each, workspace.slug).query(counted) for each in (deployment.config, alone)]
        assert both[0].equals(both[1])
    for worker in workers:
        kill(worker)
    states = send_with_a_frozen_worker(deployment, server)
    received = sorted(each.recipient for each in server.received)
    assert len(received) >= 2
    assert received == sorted(who for who, state in states.items() if state in {"accepted", "unknown"})
    assert set(states.values()) <= {"accepted", "unknown", "deferred"}


def doctor(deployment: CeleryDeployment) -> str:
    config = deployment.environment["ASSIGNMENT_REPORTS_CONFIG"]
    return subprocess.run(
        [str(BIN / "assignment-reports"), "doctor", "--config", config],
        env=deployment.environment | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def make_everything_among_faults(deployment: CeleryDeployment) -> tuple[subprocess.Popen[bytes], ...]:
    """Load all days and make all reports; return the workers that are left."""
    first, second = deployment.worker("first"), deployment.worker("second")
    launched: set[str] = set()
    for workspace in deployment.config.workspaces:
        deployment.launch(workspace.slug, "loads")
    until(lambda: len(deployment.done("loads")) >= 3, "the first loads")
    kill(first)
    third = deployment.worker("third")
    until(lambda: deployment.run_reports(2, launched), "the first reports")
    deployment.redis.stop()
    deployment.redis.start()
    until(lambda: deployment.run_reports(6, launched), "reports by the broker that was started again")
    until(
        lambda: deployment.run_reports(6, launched) and deployment.states()["STARTED"] == 2, "both to be busy"
    )
    kill(second, signal.SIGSTOP)
    until(
        lambda: "no worker has it" in deployment.failures(), "the worker that does not answer to be given up"
    )
    kill(second, signal.SIGCONT)  # it goes on where it was
    until(lambda: deployment.run_reports(12, launched), "reports beside the one that came back")
    deployment.postgres.restart()
    until(
        lambda: deployment.run_reports(len(deployment.config.workspaces), launched),
        f"all: {deployment.states()}",
    )
    return second, third


def make_everything(config: Config) -> None:
    now = datetime.now(UTC)
    catalog = Catalog(config.state)
    for workspace in config.workspaces:
        specs = tuple(spec for spec in workspace.all_reports if spec.name in REPORTS)
        for day in DATES:
            run_pipeline(PipelineRequest(config, workspace, specs, day, now), catalog, lambda _: None)


def send_with_a_frozen_worker(deployment: CeleryDeployment, server: MailServer) -> dict[str, str]:
    """Freeze a worker whose second mail has arrived, until another waits to go on.

    Returns what became of each recipient's mail. One whose process ended before the last byte is deferred.
    """
    sender = deployment.worker("sender")
    dots = count(1)
    server.before["dot"] = lambda: kill(sender, signal.SIGSTOP) if next(dots) == 2 else None
    sending = until(lambda: deployment.send("w01", "managers"), "the webserver")
    failed, begun = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED
    given_up = dg.RunsFilter(run_ids=[sending], statuses=[failed])
    until(lambda: deployment.instance.get_run_ids(given_up), "the frozen worker to be given up")
    deployment.worker("relief")
    again = dg.RunsFilter(tags={"dagster/root_run_id": sending}, statuses=[begun])
    until(lambda: deployment.instance.get_run_ids(again), "another to wait until nobody else sends")
    kill(sender, signal.SIGCONT)
    ended = dg.RunsFilter(
        tags={"dagster/root_run_id": sending}, statuses=[dg.DagsterRunStatus.SUCCESS, failed]
    )
    until(lambda: deployment.instance.get_run_ids(ended), "the other to have gone on")
    rows = Ledger(deployment.config.state).of_subscription("w01", "managers", DATES[-1], DATES[-1])
    open_state(deployment.config.state.get_secret_value()).dispose()
    assert len(rows) == len(RECIPIENTS)
    return {row.recipient: str(row.state) for row in rows}
