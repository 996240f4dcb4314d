"""Two Dagster daemons on one deployment, while its database, its disk or its processes fail: all is done, once."""

import errno
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from assets.archive.catalog import Catalog
from assets.deliver.delivery import State
from assets.deliver.ledger import Ledger
from tests.audit.conftest import Tally
from tests.audit.faulty_calls import NEVER, Fault, FaultyProgram, is_supported
from tests.audit.faulty_runs import Night
from tests.audit.faulty_servers import NO_SERVER_FAULT, Harm, RecurringServerFault, proxy
from tests.audit.places import databases
from tests.orchestration.simulated_scheduler import write_events
from tests.servers.mail_server import MailServer, mail_server
from tests.servers.postgres import Postgres
from tests.system.dagster_services import ROOT, kill, start
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_supported(), reason="this kernel asks nobody about calls"),
]
_DAYS, _PER_DAY = 3, 4
_TOTALS = {"yesterday": _PER_DAY, "last_7_days": _DAYS * _PER_DAY}
_RECIPIENTS = tuple(f"p{number}@acme.example" for number in range(8))
_MIN_FAULTS, _MAX_FAULTS = 8, 30
_HURRIED = {
    "start_timeout_seconds: 180": "start_timeout_seconds: 20",
    "poll_interval_seconds: 15": "poll_interval_seconds: 2",
}
_LOCATION = "load_from: [{python_module: {module_name: tests.audit.hurried_location}}]\n"


@dataclass
class TwoDaemons:
    """Two daemons in whose calls on files below *folder* a fault happens; one that ends is started again."""

    folder: Path
    fault: Fault
    environment: dict[str, str]
    log: IO[str]
    services: list[subprocess.Popen[bytes]] = field(default_factory=list)
    programs: list[FaultyProgram] = field(default_factory=list)

    def keep_up(self) -> None:
        """Start what is not running."""
        self.services = [each for each in self.services if each.poll() is None]
        while len(self.services) < 2:
            program = FaultyProgram(self.folder, self.fault)
            command = ["dagster-daemon", "run", "-w", str(self.folder.parent / "workspace.yaml")]
            self.services.append(start(command, self.environment, self.log, program.begin))
            program.watch()
            self.programs.append(program)

    @property
    def hit_count(self) -> int:
        return sum(program.hit_count for program in self.programs)

    def heal(self) -> None:
        self.fault = Fault(NEVER)
        for program in self.programs:
            program.heal()

    def stop(self) -> None:
        for service in self.services:
            kill(service)
            service.wait()


@contextmanager
def two_daemons(folder: Path, fault: Fault, url: str, direct_url: str) -> Iterator[TwoDaemons]:
    """Start two daemons on the deployment in *folder*/night, with Dagster's own tables at *url*.

    The tables are created without a fault: Dagster commits each alone, and cannot go on with a part of them.
    """
    (home := folder / "home").mkdir()
    instance = (ROOT / "deploy" / "dagster.yaml").read_text()
    for long, short in _HURRIED.items():
        instance = instance.replace(long, short)
    (home / "dagster.yaml").write_text(instance)
    (folder / "workspace.yaml").write_text(_LOCATION)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONTZPATH": "",
        "DAGSTER_HOME": str(home),
        "DAGSTER_POSTGRES_URL": direct_url.replace("psycopg", "psycopg2"),
        "DAGSTER_COMPUTE_LOGS": str(folder / "logs"),
        "ASSIGNMENT_REPORTS_CONFIG": str(folder / "night" / "reports.yaml"),
    }
    with (folder / "dagster.log").open("w") as log:
        assert start(["dagster", "instance", "info"], environment, log).wait() == 0
        environment["DAGSTER_POSTGRES_URL"] = url.replace("psycopg", "psycopg2")
        daemons = TwoDaemons(folder / "night", fault, environment, log)
        daemons.keep_up()
        try:
            yield daemons
        finally:
            daemons.stop()


@pytest.mark.parametrize(
    ("drive", "fault"),
    [
        (
            "questions of two Dagster daemons to PostgreSQL fail",
            RecurringServerFault(150, (Harm.CUT_BEFORE, Harm.CUT_AFTER, Harm.ENDED)),
        ),
        ("writes of two Dagster daemons fail", Fault(10, errno.EIO, recurs=True)),
        ("two Dagster daemons and their runs are killed at writes", Fault(20, recurs=True)),
    ],
)
def test_two_daemons_do_what_is_due_once(
    drive: str, fault: RecurringServerFault | Fault, postgres: Postgres, tmp_path: Path, tally: Tally
) -> None:
    of_server, of_call = (
        (fault, Fault(NEVER)) if isinstance(fault, RecurringServerFault) else (NO_SERVER_FAULT, fault)
    )
    name = uuid4().hex[:8]
    for kind in ("state", "dagster"):
        postgres.run(f"CREATE DATABASE {kind}_{name}")
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE '%_{name}'"

    def url(kind: str, port: int = postgres.port) -> str:
        return str(databases(port, f"{kind}_{name}")["state"])

    direct = SecretStr(url("state"))
    with (
        mail_server() as server,
        proxy(postgres.port, of_server, end_sessions=lambda: postgres.run(end)) as between,
    ):
        night = due_night(tmp_path / "night", server, url("state", between.port))
        with two_daemons(tmp_path, of_call, url("dagster", between.port), url("dagster")) as daemons:

            def is_done() -> bool:
                daemons.keep_up()
                if between.harm_count + daemons.hit_count >= _MAX_FAULTS:
                    between.fault = NO_SERVER_FAULT
                    daemons.heal()
                with suppress(OperationalError):  # the administrator ends the sessions of this process, too
                    rows = Ledger(direct).of_subscription("acme", "managers")
                    has_ended = {row.state for row in rows} <= {State.ACCEPTED, State.UNKNOWN}
                    made = {key.report for key in Catalog(direct).newest(workspace="acme")}
                    return has_ended and len(rows) == len(_RECIPIENTS) and made == {*_TOTALS}
                return False

            until(is_done, "all to be done")
            until(lambda: not wrong_totals(night), "the right totals")
            count = between.harm_count + daemons.hit_count
            between.fault = NO_SERVER_FAULT
        found = night.harms() + night.broken_promises()
    assert count >= _MIN_FAULTS
    tally(drive, dict.fromkeys((f"fault {number}" for number in range(count)), "; ".join(found)))


def due_night(folder: Path, server: MailServer, state: str) -> Night:
    """Return a deployment whose reports of yesterday and of seven days are due today, and mailed."""
    folder.mkdir()
    now = datetime.now(UTC)
    zone = f"Etc/GMT{now.hour - 12:+d}"  # where it is noon, so that no day begins during the test
    first_day = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=_DAYS)
    workspace = {
        "timezone": zone,
        "first_day": str(first_day),
        "lookback_days": _DAYS,
        "flow_at": "00:00",
        "at": "00:00",
    }
    night = Night(folder, server, {"state": state, "start_schedules": True}, workspace, _RECIPIENTS)
    night.configure()
    write_events(folder, first_day - timedelta(days=1), _DAYS + 3, per_day=_PER_DAY)
    night.begin(now - timedelta(days=1))
    return night


def wrong_totals(night: Night) -> list[str]:
    """Return the reports whose newest version has another total than the events."""
    found = []
    for name, total in _TOTALS.items():
        versions = (night.config.archive / "acme" / name).glob("*/v*/report.json")
        newest = max(versions, key=lambda path: int(path.parent.name[1:]))
        counted = json.loads(newest.read_text())["total"]
        if counted != total:
            found.append(f"{newest}: {counted} of {total}")
    return found
