"""A mail server that refuses the login is asked ever more rarely, by deliveries and by the operator's alerts."""

import json
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from assets.deliver.undelivered import observe_deliveries
from assets.state.alerts import AlertLog
from tests.deliver.delivery_deployment import DUE, DeliveryDeployment
from tests.servers.mail_server import MailServer, mail_server

MINUTE = timedelta(minutes=1)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A server with a login, whose authority is trusted."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    with authority.cert_pem.tempfile() as path, mail_server(tls, ("STARTTLS", "AUTH LOGIN PLAIN")) as server:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        yield server


@pytest.fixture
def deployment(tmp_path: Path, server: MailServer) -> DeliveryDeployment:
    smtp = json.loads(server.settings().model_dump_json())
    smtp |= {"security": "starttls", "username": "acme", "password": "${MAIL_PASSWORD}"}
    deployment = DeliveryDeployment(tmp_path, server, settings={"smtp": smtp})
    deployment.make()
    deployment.now = DUE
    return deployment


def logins(server: MailServer) -> int:
    return sum(command.startswith("AUTH") for command in server.commands)


def test_a_refused_login_is_tried_once_a_round_and_after_growing_pauses(
    deployment: DeliveryDeployment, server: MailServer
) -> None:
    server.does("AUTH", *["535 wrong"] * 7)
    tried = []
    for minute in range(0, 301, 5):
        deployment.now = DUE + minute * MINUTE
        before = logins(server)
        deployment.round()
        tried += [minute] * (logins(server) - before)
    assert tried == [0, 5, 10, 20, 40, 80, 140, 200]
    assert set(deployment.states().values()) == {"accepted"}


def test_the_operators_alert_about_it_keeps_the_same_pauses(
    deployment: DeliveryDeployment, server: MailServer
) -> None:
    server.does("AUTH", *["535 wrong"] * 4)
    deployment.round()
    observe_deliveries(AlertLog(deployment.config.state), deployment.dispatcher.ledger, deployment.now)
    tried = []
    for minute in range(0, 41, 5):
        before = logins(server)
        with suppress(AlertNotSent):
            send_alerts(deployment.config, DUE + minute * MINUTE)
        tried += [minute] * (logins(server) - before)
    assert tried == [0, 5, 10, 20]
    assert [each.recipient for each in server.received] == ["ops@acme.example"]
