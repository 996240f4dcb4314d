"""Dagster's daemon, code server and run, ended in the middle of a delivery and started again: no mail is lost or doubled."""

import os
import shutil
import signal
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from tests.audit.conftest import Tally
from tests.deliver.delivery_deployment import DeliveryDeployment
from tests.servers.mail_server import mail_server
from tests.system.dagster_services import ROOT, kill, start
from tests.waiting import until

RECIPIENTS = [f"p{number:02}@acme.example" for number in range(12)]
ENDS = {3: signal.SIGKILL, 7: signal.SIGTERM}
"""With how many mails accepted Dagster is ended, and how: killed when the next dot has come, then told to end."""


def start_dagster(folder: Path, log: IO[str]) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONTZPATH": "",
        "DAGSTER_HOME": str(folder / "home"),
        "ASSIGNMENT_REPORTS_CONFIG": str(folder / "reports.yaml"),
    }
    return start(["dagster-daemon", "run", "-w", str(ROOT / "workspace.yaml")], environment, log)


@pytest.mark.slow
@pytest.mark.alone
def test_dagster_ended_in_the_middle_of_a_delivery(tmp_path: Path, tally: Tally) -> None:
    (tmp_path / "home").mkdir()
    shutil.copy(ROOT / "dagster.yaml", tmp_path / "home")
    now = datetime.now(UTC)
    yesterday = now.date() - timedelta(days=1)
    with mail_server() as server, (tmp_path / "dagster.log").open("w") as log:
        deployment = DeliveryDeployment(
            tmp_path,
            server,
            {"recipients": RECIPIENTS},
            {"timezone": "UTC", "first_day": str(yesterday), "at": "00:00"},
            {"start_schedules": True},
            now - timedelta(days=1),
        )
        deployment.now = now
        deployment.make(on=now.date(), events=[f"e1,{yesterday}T12:00:00Z,c1,k1,Ann,,Bob,workflow,"])
        dagster = start_dagster(tmp_path, log)
        ended = list[signal.Signals]()

        def end_dagster() -> None:
            if (how := ENDS.get(len(server.received))) and how not in ended:
                ended.append(how)
                kill(dagster, how)

        server.before["dot"] = end_dagster
        try:
            for how in ENDS.values():
                until(partial(ended.count, how), f"Dagster to be ended by {how.name}")
                dagster.wait(120)
                kill(dagster)
                dagster = start_dagster(tmp_path, log)
            until(
                lambda: not {"planned", "sending"} & set(deployment.states(now.date()).values()), "the rest"
            )
        finally:
            kill(dagster)
            dagster.wait()
        rows = {row.recipient: row for row in deployment.rows(now.date())}
        mails = Counter(mail.recipient for mail in server.received)
    tally(
        "mails of a delivery in whose middle Dagster is killed and restarted",
        {
            each: ""
            if mails[each] == 1 and rows[each].state in {"accepted", "unknown"}
            else f"{rows[each].state}, {mails[each]} mails: {rows[each].reason}"
            for each in RECIPIENTS
        },
    )
