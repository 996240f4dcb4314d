"""Webhooks and SFTP behind the ledger, with real servers that misbehave."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from assets.errors import ConfigError
from tests.deliver.delivery_deployment import DUE, DeliveryDeployment, deployment_of
from tests.servers.web_receiver import Receiver

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LATE = "e9,2026-06-14T17:00:00Z,c9,k9,Zoe,,Bob,workflow,"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", KEY)


HOOK = {"url": "${HOOK_URL}", "secret": "${HOOK_SECRET}"}


def test_a_program_is_told_of_each_report_by_a_signed_request(folder: Path, receiver: Receiver) -> None:
    deployment = deployment_of(folder, webhook=HOOK)
    deployment.make_and_send()
    deployment.round(HOUR)
    ((headers, body),) = receiver.requests
    (row,) = deployment.rows()
    assert (row.recipient, row.state, row.reason) == ("webhook", "accepted", "dot: 204")
    assert headers["webhook-id"] == row.id
    signed = f"{row.id}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(KEY.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert told["type"] == "report.archived"
    assert (told["data"]["total"], told["data"]["version"]) == (3, 1)
    assert {each["label"]: each["count"] for each in told["data"]["by_source"]} == {"User": 2, "Workflow": 1}
    names = {each["name"]: each["place"] for each in told["data"]["files"]}
    assert names["log.csv"] == (folder / "out/acme/yesterday/2026-06-15/v1/log.csv").as_uri()
    deployment.make(LATE)
    deployment.round(HOUR)
    corrected = json.loads(receiver.requests[1][1])
    assert corrected["type"] == "report.corrected"
    assert corrected["data"]["corrects"] == {"version": 1, "changes": {"Workflow": [1, 2], "total": [3, 4]}}


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (200, "accepted", "dot: 200"),
        (301, "failed", "dot: 301"),
        (400, "failed", "dot: 400"),
        (429, "deferred", "dot: 429"),
        (503, "deferred", "dot: 503"),
        (0, "unknown", "dot: 127.0.0.1: Remote end closed connection without response"),
    ],
)
def test_what_a_program_answers_decides(
    folder: Path, receiver: Receiver, status: int, state: str, reason: str
) -> None:
    receiver.statuses.append(status)
    deployment = deployment_of(folder, webhook=HOOK)
    deployment.make_and_send()
    (row,) = deployment.rows()
    assert (row.state, row.reason) == (state, reason)
    deployment.round(2 * MINUTE)
    assert len(receiver.requests) == 1 + (state == "deferred")


def test_an_answer_that_repeats_the_request_tells_no_secret(folder: Path, receiver: Receiver) -> None:
    receiver.statuses.extend([503, 200])
    receiver.echoes = True
    deployment = deployment_of(folder, webhook=HOOK)
    deployment.make_and_send()
    (row,) = deployment.rows()
    assert row.reason.startswith('dot: 503 /hook?token=*** /hook?token=***: {"type":"report.archived"')
    deployment.round(2 * MINUTE)
    (row,) = deployment.rows()
    assert (row.state, row.reason) == ("accepted", "dot: 200")


def test_a_program_that_is_not_there_is_asked_again(
    folder: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_URL", "http://127.0.0.1:9/hook")
    deployment = deployment_of(folder, webhook=HOOK)
    deployment.make_and_send()
    assert deployment.states() == {"webhook": "deferred"}
    monkeypatch.setenv("HOOK_URL", receiver.url)
    deployment.round(2 * MINUTE)
    assert deployment.states() == {"webhook": "accepted"}


def test_a_preview_shows_what_a_program_would_be_told(folder: Path, receiver: Receiver) -> None:
    deployment = deployment_of(folder, webhook=HOOK)
    deployment.make()
    deployment.run_command("preview", "managers", "--to", str(folder / "look"), group=())
    (path,) = (folder / "look").iterdir()
    assert json.loads(path.read_text())["data"]["total"] == 3
    assert not receiver.requests
    with pytest.raises(ConfigError, match="sends no mails"):
        deployment.run_command("send-test", "managers", "--to", "me@acme.example", group=())


def test_nothing_is_posted_in_clear(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", "http://hooks.example.org/secret-path")
    deployment = deployment_of(folder, webhook=HOOK)
    assert deployment.make_and_send().refusal.startswith("http://hooks.example.org: `url` must be https")
    monkeypatch.delenv("HOOK_URL")
    deployment.round(6 * MINUTE)
    (row,) = deployment.rows()
    assert (row.state, row.reason) == (
        "held",
        "environment variable HOOK_URL is not set, but the configuration uses it",
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "HOOK_URL",
            "https://hooks.example.org:8x/SECRET",
            "`url` of a channel must be a URL, such as https://hooks.example.org/reports",
        ),
        (
            "HOOK_URL",
            "https://hooks.example.org/SEC RET",
            "`url` of a channel must be a URL, such as https://hooks.example.org/reports",
        ),
        ("HOOK_SECRET", "whsec_SECRET!", "`secret` of a webhook must be base64 after whsec_"),
    ],
)
def test_a_wrong_secret_is_told_of_and_not_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    deployment = deployment_of(folder, webhook=HOOK)
    assert deployment.make_and_send().refusal == said
    assert [(str(row.state), row.reason) for row in deployment.rows()] == [("held", said)]


class _Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("reports", "right")


async def _end(server: Any) -> None:
    await server.wait_closed()
    await asyncio.sleep(0.3)  # until the sessions have closed their sockets


@dataclass
class SftpServer:
    port: int
    root: Path
    known_hosts: Path


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[SftpServer]:
    """Start an SFTP server on loopback whose root is a folder, and stop it."""
    (root := tmp_path / "remote" / "in").mkdir(parents=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    started = loop.run_until_complete(
        asyncssh.create_server(
            _Server,
            "127.0.0.1",
            0,
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(root.parent)),
        )
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    known = tmp_path / "known_hosts"
    public = key.export_public_key().decode().strip()
    known.write_text(f"[127.0.0.1]:{started.get_port()} {public}\n")
    yield SftpServer(started.get_port(), root, known)
    started.close()
    asyncio.run_coroutine_threadsafe(_end(started), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def sftp_office(tmp_path: Path, server: SftpServer, **more: Any) -> DeliveryDeployment:
    settings = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": "reports",
        "password": "${SFTP_PASSWORD}",
        "known_hosts": str(server.known_hosts),
        "folder": "in",
    }
    return deployment_of(tmp_path, sftp=settings | more, attach=["csv", "html"])


def test_files_are_put_into_an_sftp_folder_whole(
    tmp_path: Path, sftp: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFTP_PASSWORD", "right")
    deployment = sftp_office(tmp_path, sftp)
    deployment.make_and_send()
    (row,) = deployment.rows()
    assert (row.recipient, row.state) == ("sftp://reports@127.0.0.1/in", "accepted")
    names = ["acme-yesterday-2026-06-15-v1.csv", "acme-yesterday-2026-06-15-v1.html"]
    assert sorted(path.name for path in sftp.root.iterdir()) == names
    archived = tmp_path / "out/acme/yesterday/2026-06-15/v1"
    assert (sftp.root / names[0]).read_bytes() == (archived / "log.csv").read_bytes()


@pytest.mark.parametrize("wrong", ["password", "host key", "folder"])
def test_an_sftp_server_that_refuses_or_is_another_gets_nothing(
    tmp_path: Path, sftp: SftpServer, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("SFTP_PASSWORD", "wrong" if wrong == "password" else "right")
    if wrong == "host key":
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        sftp.known_hosts.write_text(f"[127.0.0.1]:{sftp.port} {other}")
    deployment = sftp_office(tmp_path, sftp, folder="elsewhere" if wrong == "folder" else "in")
    refusal = deployment.make_and_send().refusal
    (row,) = deployment.rows()
    assert row.state == ("failed" if wrong == "folder" else "held"), row.reason
    assert bool(refusal) == (wrong != "folder")
    assert list(sftp.root.iterdir()) == []
    assert deployment.now >= DUE
