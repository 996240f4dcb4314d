"""Dispatchers with one ledger in PostgreSQL: each mail is sent by one of them, and only by who has the lock."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from assets.state.database import open_state
from tests.deliver.delivery_deployment import DUE, DeliveryDeployment
from tests.servers.mail_server import mail_server
from tests.servers.postgres import Postgres

RECIPIENTS = [f"p{number}@acme.example" for number in range(12)]


@pytest.fixture
def state(postgres: Postgres) -> str:
    postgres.run("DROP DATABASE IF EXISTS ledger WITH (FORCE); CREATE DATABASE ledger OWNER postgres;")
    open_state.cache_clear()
    return postgres.url("postgres").removesuffix("postgres") + "ledger"


def test_two_rounds_at_once_send_each_mail_once(state: str, tmp_path: Path) -> None:
    with mail_server() as server:
        deployment = DeliveryDeployment(
            tmp_path, server, {"recipients": RECIPIENTS}, settings={"state": state}
        )
        deployment.make()
        deployment.now = DUE
        with ThreadPoolExecutor(2) as threads:
            for ended in [threads.submit(deployment.round) for _ in range(2)]:
                ended.result()
        assert Counter(mail.recipient for mail in server.received) == dict.fromkeys(RECIPIENTS, 1)
        assert deployment.states() == dict.fromkeys(RECIPIENTS, "accepted")
        open_state(state).dispose()


def test_who_loses_the_lock_with_its_connection_sends_no_dot(
    state: str, postgres: Postgres, tmp_path: Path
) -> None:
    with mail_server() as server:
        deployment = DeliveryDeployment(
            tmp_path, server, {"recipients": RECIPIENTS[:3]}, settings={"state": state}
        )
        deployment.make()
        deployment.now = DUE
        server.before["DATA"] = lambda: postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ledger'"
        )
        with pytest.raises(Exception, match=r"terminat|closed"):
            deployment.round()
        assert not server.received
        server.before.clear()
        for _ in range(2):
            deployment.round(timedelta(minutes=2))
        assert deployment.states() == dict.fromkeys(RECIPIENTS[:3], "accepted")
        assert len(server.received) == 3
        open_state(state).dispose()
