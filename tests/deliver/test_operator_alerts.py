from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message as Mail
from pathlib import Path
from socket import socket

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from pydantic import SecretStr, ValidationError

from assets.config.deployment import Config, Smtp
from assets.deliver.channels.base import clean_header
from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from tests.servers.postgres import free_port

NOW = datetime(2026, 6, 15, 10, tzinfo=UTC)
LATE = {
    "late/acme/yesterday/2026-06-15": "acme: yesterday of 2026-06-15 is late: 1 of its days is not loaded. It is left out."
}


class Mailbox(Message):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Mail] = []

    def handle_message(self, message: Mail) -> None:
        self.mails.append(message)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    yield box, server.port
    server.stop()


def config(folder: Path, port: int, **smtp: object) -> Config:
    return Config.model_validate(
        {
            "lake": folder,
            "archive": folder,
            "state": f"sqlite:///{folder}/state.sqlite",
            "operator": "ops@example.org",
            "smtp": {"host": "127.0.0.1", "port": port, "security": "none", "sender": "reports@example.org"}
            | smtp,
            "workspaces": [
                {
                    "slug": "acme",
                    "name": "Acme",
                    "timezone": "UTC",
                    "first_day": "2026-01-01",
                    "source": {"type": "files", "path": "x"},
                }
            ],
        }
    )


def test_each_thing_is_told_once_and_what_is_new_together(
    tmp_path: Path, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    notices = LATE | {"failed/acme/flow": "acme: assignment_events of 2026-06-14 failed. Why: no file."}
    for _ in range(2):
        send_alerts(config(tmp_path, port), notices, NOW)
    send_alerts(config(tmp_path, port), LATE, NOW)
    (mail,) = box.mails
    assert mail["Subject"].startswith("Assignment Reports: acme: assignment_events of 2026-06-14 failed")
    assert mail["Subject"].endswith("(and 1 more)")
    assert (mail["To"], mail["Auto-Submitted"]) == ("ops@example.org", "auto-generated")
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().partition("\r\n\r\n")[0].strip() == notices["failed/acme/flow"]


def test_what_the_server_did_not_take_is_told_later(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    said = r"was not sent, and will be retried: the mail server 127\.0\.0\.1:\d+ is not reachable"
    with socket() as deaf, pytest.raises(AlertNotSent, match=said):
        deaf.bind(("127.0.0.1", 0))  # nobody else listens there meanwhile
        send_alerts(config(tmp_path, deaf.getsockname()[1]), LATE, NOW)
    send_alerts(config(tmp_path, port), LATE, NOW)
    assert len(box.mails) == 1


@pytest.mark.parametrize(("host", "username"), [("mail.example.org", None), ("127.0.0.1", "someone")])
def test_nothing_goes_out_in_clear(host: str, username: str | None) -> None:
    with pytest.raises(ValidationError, match=r"must be starttls or tls|must be encrypted"):
        Smtp(host=host, security="none", sender="a@b.example", username=username, password=SecretStr("x"))


def test_no_text_becomes_a_header() -> None:
    assert clean_header("late\r\nBcc: x@y.example\x00") == "late Bcc: x@y.example"
    assert "=?" not in clean_header("=?utf-8?q?=0ABcc:_e=40x.test?=")
