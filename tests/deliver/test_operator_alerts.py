"""The operator's mails: one thread for each cause, sent once, never lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message as Mail
from pathlib import Path
from socket import socket
from unittest.mock import Mock

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from pydantic import SecretStr, ValidationError

from assets.config.deployment import Config, Smtp
from assets.deliver.channels.base import clean_header
from assets.deliver.failures import Failure, report_failures, report_recovered
from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from assets.errors import SourceUnreadable, TotalsDiffer
from assets.state.alerts import AlertLog
from assets.state.loads import LastLoad, LoadLog
from tests.servers.postgres import free_port

NOW = datetime(2026, 6, 15, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NO_FILE = Failure("acme", "load", SourceUnreadable("no file matches events/*.csv"), run="run-1")
TOTALS = Failure("acme", "reports", TotalsDiffer("4 and 5"), reports=("yesterday",), days="2026-06-15")


class Mailbox(Message):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Mail] = []

    def handle_message(self, message: Mail) -> None:
        self.mails.append(message)


def text_of(mail: Mail) -> str:
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    return text.decode().replace("\r\n", "\n")


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


def test_each_cause_is_a_thread_of_its_own_with_its_end(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    settings = config(tmp_path, port)
    report_failures(settings, [NO_FILE, TOTALS], NOW)
    report_failures(settings, [replace(NO_FILE, run="run-2")], NOW + MINUTE)
    assert len(box.mails) == 2, "the pause is not over"
    report_failures(settings, [], NOW + 5 * MINUTE)
    report_recovered(settings, "acme", "load", NOW + 9 * MINUTE)
    report_recovered(settings, "acme", "load", NOW + 10 * MINUTE)
    first, other, again, over = box.mails
    title = "Assignment Reports: acme: the source cannot be read"
    assert [mail["Subject"] for mail in (first, again, over)] == [title, f"Re: {title}", f"Resolved: {title}"]
    assert other["Subject"] == "Assignment Reports: acme: reports fail"
    ids = [mail["Message-ID"] for mail in (first, again, over)]
    assert [mail["In-Reply-To"] for mail in (first, again, over)] == [None, *ids[:2]]
    assert over["References"] == f"{ids[0]} {ids[1]}"
    assert len({other["Message-ID"], *ids}) == 4
    assert (first["To"], first["Auto-Submitted"]) == ("ops@example.org", "auto-generated")
    assert "no file matches events/*.csv" in text_of(first)
    assert "2 failures, the last at 2026-06-15 10:01" in text_of(again)
    assert "From 2026-06-15 10:00 to 2026-06-15 10:09 (UTC), 9 min; 2 failures" in text_of(over)


def test_what_the_server_did_not_take_is_told_later(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    said = r"was not sent, and will be retried: the mail server 127\.0\.0\.1:\d+ is not reachable"
    with socket() as deaf, pytest.raises(AlertNotSent, match=said):
        deaf.bind(("127.0.0.1", 0))  # nobody else listens there meanwhile
        report_failures(config(tmp_path, deaf.getsockname()[1]), [NO_FILE], NOW)
    send_alerts(config(tmp_path, port), NOW)
    assert len(box.mails) == 1


def test_processes_that_see_the_same_at_once_send_one_mail(
    tmp_path: Path, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    settings = config(tmp_path, port)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(report_failures, settings, [NO_FILE], NOW) for _ in range(4)]:
            done.result()
    assert len(box.mails) == 1
    (incident,) = AlertLog(settings.state).open()
    assert (incident.count, incident.mails) == (1, 1)


def test_a_crash_after_sending_sends_the_same_mail_twice(
    tmp_path: Path, mailbox: tuple[Mailbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, port = mailbox
    settings = config(tmp_path, port)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(AlertLog, "mark_mailed", Mock(side_effect=KeyboardInterrupt))
        report_failures(settings, [NO_FILE], NOW)
    send_alerts(settings, NOW)
    assert len({mail["Message-ID"] for mail in box.mails}) == 1
    assert len(box.mails) == 2


def test_a_source_that_was_read_since_is_over_whoever_has_read_it(
    tmp_path: Path, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    settings = config(tmp_path, port)
    report_failures(settings, [NO_FILE, TOTALS], NOW)
    LoadLog(settings.state).record(LastLoad("acme", NOW + MINUTE, None, None))
    send_alerts(settings, NOW + 2 * MINUTE)
    assert [mail["Subject"][:8] for mail in box.mails] == ["Assignme", "Assignme", "Resolved"]
    assert "The source was read." in text_of(box.mails[-1])


def test_a_bug_is_mailed_without_its_text(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    report_failures(config(tmp_path, port), [replace(NO_FILE, error=KeyError("Ann Contact"))], NOW)
    assert "an unexpected error, KeyError." in text_of(box.mails[0])


def test_the_mail_says_which_reports_are_at_risk_and_when_they_are_due(
    tmp_path: Path, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    settings = config(tmp_path, port)
    for hour in (1, 6, 12):
        report_failures(settings, [NO_FILE], NOW.replace(hour=hour))
    (text,) = map(text_of, box.mails)
    names = "today, yesterday, last_7_days, last_14_days, last_30_days, this_month, explorer"
    outlook = "due 2026-06-15 06:00: built at 2026-06-15 12:00 as provisional if days are missing then"
    assert f"Reports at risk (UTC):\n* {names} of 2026-06-15, {outlook}\n" in text


@pytest.mark.parametrize(("host", "username"), [("mail.example.org", None), ("127.0.0.1", "someone")])
def test_nothing_goes_out_in_clear(host: str, username: str | None) -> None:
    with pytest.raises(ValidationError, match=r"must be starttls or tls|must be encrypted"):
        Smtp(host=host, security="none", sender="a@b.example", username=username, password=SecretStr("x"))


def test_no_text_becomes_a_header() -> None:
    assert clean_header("late\r\nBcc: x@y.example\x00") == "late Bcc: x@y.example"
    assert "=?" not in clean_header("=?utf-8?q?=0ABcc:_e=40x.test?=")
    assert clean_header("\u202egpj.exe\u2069 of \u2066A\u200fcme\u061c") == "gpj.exe of Acme"
