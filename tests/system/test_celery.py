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

from assets.archive.catalog import Catalogue
from assets.archive.version import MANIFEST
from assets.config.deployment import Config
from assets.config.loader import load_config
from assets.deliver.ledger import Ledger
from assets.state.database import open_state
from assets.warehouse.base import open_warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG
from orchestration.pipeline import Order, run
from tests.servers.mail_server import MailServer, mail_server
from tests.system.celery_deployment import DATES, REPORTS, Farm, configuration, started
from tests.system.dagster_services import BIN, kill, until

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
def farm(object_store: str, server: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    with started(tmp_path_factory.mktemp("farm"), object_store, PLAIN, smtp=smtp_of(server)) as found:
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


@pytest.mark.slow
@pytest.mark.deployment
def test_killed_and_frozen_workers_and_restarted_servers_change_no_byte_and_double_no_mail(
    farm: Farm, server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"127.0.0.1:{farm.redis.port}/0 answers" in doctor(farm)
    workers = make_everything_among_faults(farm)
    ours = archived(farm.config.archive)
    torn = [version for version, files in ours.items() if MANIFEST not in files]
    assert len(torn) <= _FAULTS
    alone = load_config(
        configuration(
            tmp_path,
            farm.postgres,
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
        both = [open_warehouse(each, workspace.slug).query(counted) for each in (farm.config, alone)]
        assert both[0].equals(both[1])
    for worker in workers:
        kill(worker)
    states = send_with_a_frozen_worker(farm, server)
    received = sorted(each.recipient for each in server.received)
    assert len(received) >= 2
    assert received == sorted(who for who, state in states.items() if state in {"accepted", "unknown"})
    assert set(states.values()) <= {"accepted", "unknown", "deferred"}


def doctor(farm: Farm) -> str:
    config = farm.environment["ASSIGNMENT_REPORTS_CONFIG"]
    return subprocess.run(
        [str(BIN / "assignment-reports"), "doctor", "--config", config],
        env=farm.environment | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def make_everything_among_faults(farm: Farm) -> tuple[subprocess.Popen[bytes], ...]:
    """Load all days and make all reports; return the workers that are left."""
    first, second = farm.worker("first"), farm.worker("second")
    launched: set[str] = set()
    for workspace in farm.config.workspaces:
        farm.launch(workspace.slug, "loads")
    until(lambda: len(farm.done("loads")) >= 3, "the first loads")
    kill(first)
    third = farm.worker("third")
    until(lambda: farm.run_reports(2, launched), "the first reports")
    farm.redis.stop()
    farm.redis.start()
    until(lambda: farm.run_reports(6, launched), "reports by the broker that was started again")
    until(lambda: farm.run_reports(6, launched) and farm.states()["STARTED"] == 2, "both to be busy")
    kill(second, signal.SIGSTOP)
    until(lambda: "no worker has it" in farm.failures(), "the worker that does not answer to be given up")
    kill(second, signal.SIGCONT)  # it goes on where it was
    until(lambda: farm.run_reports(12, launched), "reports beside the one that came back")
    farm.postgres.restart()
    until(lambda: farm.run_reports(len(farm.config.workspaces), launched), f"all: {farm.states()}")
    return second, third


def make_everything(config: Config) -> None:
    now = datetime.now(UTC)
    catalogue = Catalogue(config.state)
    for workspace in config.workspaces:
        specs = tuple(spec for spec in workspace.all_reports if spec.name in REPORTS)
        for day in DATES:
            run(Order(workspace, specs, day, now), config, catalogue, lambda _: None)


def send_with_a_frozen_worker(farm: Farm, server: MailServer) -> dict[str, str]:
    """Freeze a worker whose second mail has arrived, until another waits to go on.

    Returns what became of each recipient's mail. One whose process ended before the last byte is deferred.
    """
    sender = farm.worker("sender")
    dots = count(1)
    server.before["dot"] = lambda: kill(sender, signal.SIGSTOP) if next(dots) == 2 else None
    sending = until(lambda: farm.send("w01", "managers"), "the webserver")
    failed, begun = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED
    given_up = dg.RunsFilter(run_ids=[sending], statuses=[failed])
    until(lambda: farm.instance.get_run_ids(given_up), "the frozen worker to be given up")
    farm.worker("relief")
    again = dg.RunsFilter(tags={"dagster/root_run_id": sending}, statuses=[begun])
    until(lambda: farm.instance.get_run_ids(again), "another to wait until nobody else sends")
    kill(sender, signal.SIGCONT)
    ended = dg.RunsFilter(
        tags={"dagster/root_run_id": sending}, statuses=[dg.DagsterRunStatus.SUCCESS, failed]
    )
    until(lambda: farm.instance.get_run_ids(ended), "the other to have gone on")
    rows = Ledger(farm.config.state).of_subscription("w01", "managers", DATES[-1], DATES[-1])
    open_state(farm.config.state.get_secret_value()).dispose()
    assert len(rows) == len(RECIPIENTS)
    return {row.recipient: str(row.state) for row in rows}
