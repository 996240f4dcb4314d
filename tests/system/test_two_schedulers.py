"""Two schedulers with one ledger in PostgreSQL: each mail is sent by one of them."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from assets.state.database import open_state
from tests.deliver.delivery_deployment import DUE, DeliveryDeployment
from tests.servers.mail_server import Misbehavior, mail_server
from tests.servers.postgres import Postgres

ROOT = Path(__file__).parents[2]
RECIPIENTS = [f"p{number}@acme.example" for number in range(40)]
ROUND = """
import sys
from datetime import datetime
from pathlib import Path
from tests.deliver.delivery_deployment import DeliveryDeployment
from tests.servers.mail_server import MailServer

server = MailServer()
server.port = int(sys.argv[2])
deployment = DeliveryDeployment(Path(sys.argv[1]), server, eval(sys.argv[3]), settings=eval(sys.argv[4]), now=datetime.fromisoformat(sys.argv[5]))
print("ready", flush=True)
sys.stdin.readline()
print(dict(deployment.round().states), flush=True)
"""


def scheduler(deployment: DeliveryDeployment) -> subprocess.Popen[str]:
    """Start a process that does one round when it is told to."""
    arguments = [
        str(deployment.folder),
        str(deployment.server.port),
        repr(deployment.subscription),
        repr(deployment.settings),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", ROUND, *arguments, str(deployment.now)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONTZPATH": ""},
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.fixture
def state(postgres: Postgres) -> str:
    postgres.run("DROP DATABASE IF EXISTS ledger WITH (FORCE); CREATE DATABASE ledger OWNER postgres;")
    open_state.cache_clear()
    return postgres.url("postgres").removesuffix("postgres") + "ledger"


def test_two_schedulers_send_each_mail_once(state: str, tmp_path: Path) -> None:
    with mail_server() as server:
        deployment = DeliveryDeployment(
            tmp_path, server, {"recipients": RECIPIENTS}, settings={"state": state}
        )
        deployment.make()
        deployment.now = DUE
        schedulers = [scheduler(deployment) for _ in range(2)]
        for each in schedulers:
            begin(each)
        said = [each.communicate(timeout=60)[0] for each in schedulers]
        assert [each.returncode for each in schedulers] == [0, 0], said
        assert Counter(mail.recipient for mail in server.received) == dict.fromkeys(RECIPIENTS, 1)
        assert deployment.states() == dict.fromkeys(RECIPIENTS, "accepted")
        open_state(state).dispose()


def test_what_a_killed_scheduler_left_is_taken_over_at_once(state: str, tmp_path: Path) -> None:
    with mail_server() as server:
        server.does("dot", *["250 taken"] * 4, Misbehavior.SILENCE)
        deployment = DeliveryDeployment(
            tmp_path, server, {"recipients": RECIPIENTS}, settings={"state": state}
        )
        deployment.make()
        deployment.now = DUE
        first, second = scheduler(deployment), scheduler(deployment)

        def kill_the_first_at_its_fifth_mail() -> None:
            if len(server.received) == 4 and first.returncode is None:
                begin(second)  # it waits for the first
                first.kill()

        server.before["dot"] = kill_the_first_at_its_fifth_mail
        begin(first)
        assert first.wait(timeout=60) == -signal.SIGKILL
        assert "unknown" in second.communicate(timeout=60)[0]
        first.communicate()
        assert sorted(Counter(deployment.states().values()).items()) == [("accepted", 39), ("unknown", 1)]
        assert Counter(mail.recipient for mail in server.received) == dict.fromkeys(RECIPIENTS, 1)
        open_state(state).dispose()
