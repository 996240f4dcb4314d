"""One outage as the operator sees it: the mails from the first failure to the all-clear, as received."""

import json
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from tests.orchestration.simulated_scheduler import configure, simulated_scheduler, write_events
from tests.servers.mail_server import MailServer

START = datetime(2026, 6, 15, 4, 15, tzinfo=UTC)  # 00:15 in New York
NEW_YORK = ZoneInfo("America/New_York")
TITLE = "Assignment Reports: acme: the source cannot be read"


def received(server: MailServer) -> list[EmailMessage]:
    return [message_from_bytes(each.content, EmailMessage, policy=policy.default) for each in server.received]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body()
    assert body
    return str(body.get_content())


def test_a_missing_folder_is_one_thread_that_ends_with_an_all_clear(
    tmp_path: Path, server: MailServer
) -> None:
    smtp = json.loads(server.settings().model_dump_json())
    configure(tmp_path, smtp=smtp, operator="ops@acme.example", ui_url="https://dagster.acme.example/")
    with simulated_scheduler(tmp_path, START, presets=["yesterday"], by_dagster=True) as scheduler:
        scheduler.look_every = timedelta(minutes=2)
        scheduler.pass_time(START + timedelta(hours=1))
        loads = [run for run in scheduler.runs if "/flow/" in run.due]
        assert [run.success for run in loads] == [False] * 4, "four failures within an hour"
        scheduler.look_every = timedelta(minutes=30)
        scheduler.pass_time(START + timedelta(hours=12.5))  # the report is late, and made as provisional
        assert scheduler.made("yesterday") == ["2026-06-15 v1 06-15 12:15"]
        write_events(tmp_path, date(2026, 6, 1), 30)
        scheduler.pass_time(START + timedelta(hours=17))
        assert scheduler.made("yesterday") == ["2026-06-15 v2 06-15 16:45"]
    mails = received(server)
    told = [f"{mail['Date'].datetime.astimezone(NEW_YORK):%H:%M} {mail['Subject']}" for mail in mails]
    again = [f"{at} Re: {TITLE}" for at in ("00:25", "00:39", "01:09", "02:15", "04:15", "08:15", "12:45")]
    assert told == [f"00:20 {TITLE}", *again, f"16:45 Resolved: {TITLE}"]
    assert is_thread(mails)
    first, late, over = (text_of(mails[number]) for number in (0, -2, -1))
    assert "no file matches" in first
    assert "Days: 2026-06-12 to 2026-06-14." in first
    assert "Since: 2026-06-15 00:20 (America/New_York); 1 failure." in first
    assert "yesterday of 2026-06-15, due 2026-06-15 06:00: built at 2026-06-15 12:00 as provisional" in first
    assert "The sensor catch_up tries again within two minutes" in first
    assert "Run: https://dagster.acme.example/runs/" in first
    assert "The sensor catch_up tries again at 2026-06-15 00:38" in text_of(mails[1])
    assert "yesterday of 2026-06-15, due 2026-06-15 06:00: provisional, rebuilt when its days" in late
    assert "A later run has succeeded." in over
    assert "From 2026-06-15 00:20 to 2026-06-15 16:45 (America/New_York), 16 h 25 min; 7 failures" in over


def is_thread(mails: list[EmailMessage]) -> bool:
    """Tell whether each mail names all mails before it, and answers the last of them."""
    ids = [mail["Message-ID"] for mail in mails]
    references = [(mail["References"] or "").split() for mail in mails]
    answers = [mail["In-Reply-To"] for mail in mails]
    return references == [ids[:number] for number in range(len(ids))] and answers == [None, *ids[:-1]]


def test_a_failure_that_the_sensor_sees_after_the_success_is_told_as_resolved(
    tmp_path: Path, server: MailServer
) -> None:
    smtp = json.loads(server.settings().model_dump_json())
    configure(tmp_path, smtp=smtp, operator="ops@acme.example")
    with simulated_scheduler(tmp_path, START, presets=["yesterday"], by_dagster=True) as scheduler:
        scheduler.is_failure_sensor_on = False
        scheduler.pass_time(START + timedelta(minutes=10))
        write_events(tmp_path, date(2026, 6, 1), 30)
        scheduler.look()
        assert [run.success for run in scheduler.runs] == [False, True]
        scheduler.now += timedelta(hours=1)
        scheduler.look("run_failure_alert")
        scheduler.look()
    assert [mail["Subject"] for mail in received(server)] == [f"Resolved: {TITLE}"]


def test_a_failure_of_the_deployment_itself_is_mailed(tmp_path: Path, server: MailServer) -> None:
    smtp = json.loads(server.settings().model_dump_json())
    configure(tmp_path, smtp=smtp, operator="ops@acme.example")
    with (
        simulated_scheduler(tmp_path, START, by_dagster=True) as scheduler,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(
            "orchestration.automation.maintenance.apply_retention", Mock(side_effect=KeyError("Ann"))
        )
        scheduler.run(dg.RunRequest(asset_selection=[dg.AssetKey("retention")]), "maintenance")
        patch.undo()
        scheduler.now += timedelta(days=1)
        scheduler.run(dg.RunRequest(asset_selection=[dg.AssetKey("retention")]), "maintenance")
        scheduler.now += timedelta(minutes=1)
        scheduler.look()
    mails = received(server)
    title = "Assignment Reports: retention fails"
    assert [mail["Subject"] for mail in mails] == [title, f"Resolved: {title}"]
    assert "What went wrong: an unexpected error, KeyError." in text_of(mails[0])
