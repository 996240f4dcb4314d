"""Subscriptions as Dagster runs them: sent when they come due, by nothing else, and shown in the UI."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets.deliver.ledger import Ledger
from tests.orchestration.simulated_scheduler import (
    SimulatedScheduler,
    configure,
    simulated_scheduler,
    write_events,
)
from tests.servers.mail_server import MailServer

START = datetime(2026, 6, 15, 4, tzinfo=UTC)  # midnight in New York
DAY = timedelta(days=1)
MANAGERS = dg.AssetKey(["acme", "delivery", "managers"])
SUBSCRIPTION = {
    "name": "managers",
    "reports": ["yesterday", "last_month"],
    "recipients": ["ann@acme.example", "bob@acme.example"],
    "attach": ["csv"],
    "provisional": True,  # the first month begins before the first day
}


@pytest.fixture
def scheduler(tmp_path: Path, server: MailServer) -> Iterator[SimulatedScheduler]:
    write_events(tmp_path, date(2026, 6, 1), 40)
    smtp = json.loads(server.settings().model_dump_json())
    configure(tmp_path, {"subscriptions": [SUBSCRIPTION]}, smtp=smtp, operator="ops@acme.example")
    with simulated_scheduler(tmp_path, START, presets=["yesterday", "last_month"]) as scheduler:
        yield scheduler


def sent(server: MailServer) -> list[str]:
    """Return the recipients of all mails but the operator's."""
    return sorted(each.recipient for each in server.received if each.recipient != "ops@acme.example")


def checks(scheduler: SimulatedScheduler) -> list[tuple[bool, str]]:
    """Return the results of the check on deliveries, in order."""
    key = dg.AssetCheckKey(MANAGERS, "deliveries_accounted_for")
    records = scheduler.instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    events = [record.event.dagster_event for record in reversed(records) if record.event]
    found = [event.event_specific_data for event in events if event]
    return [
        (each.passed, each.description or "") for each in found if isinstance(each, dg.AssetCheckEvaluation)
    ]


def test_each_day_is_mailed_once_and_a_month_on_its_first(
    scheduler: SimulatedScheduler, server: MailServer
) -> None:
    scheduler.pass_time(START + 3 * DAY)
    assert sent(server) == ["ann@acme.example"] * 3 + ["bob@acme.example"] * 3
    assert {run.success for run in scheduler.runs} == {True}
    assert [run.by for run in scheduler.runs].count("deliveries") == 3
    assert checks(scheduler) == [(True, "2 deliveries")] * 3
    (record, *_) = scheduler.instance.fetch_materializations(MANAGERS, limit=1).records
    assert record.asset_materialization
    metadata = record.asset_materialization.metadata
    assert metadata["states"].value == "2 accepted"
    scheduler.now = datetime(2026, 6, 30, 4, tzinfo=UTC)  # it slept: what is too old now is not sent
    scheduler.pass_time(scheduler.now + 2 * DAY)
    rows = Ledger(scheduler.config.state).of_subscription("acme", "managers", date(2026, 6, 18))
    ends = {(row.report, row.report_date.day): str(row.state) for row in rows}
    assert ends == {("yesterday", day): "expired" for day in range(23, 29)} | {
        ("yesterday", 29): "accepted",
        ("yesterday", 30): "accepted",
        ("yesterday", 1): "accepted",
        ("last_month", 1): "accepted",
    }
    assert len(sent(server)) == 6 + 8


def test_a_backfill_sends_nothing_unless_it_says_so(
    scheduler: SimulatedScheduler, server: MailServer
) -> None:
    scheduler.pass_time(START + timedelta(hours=9))
    flow_days = [str(date(2026, 6, 12) + count * DAY) for count in range(3)]
    reports = [dg.AssetKey(["acme", "report", "yesterday"]), MANAGERS]
    for key in flow_days:
        scheduler.run(dg.RunRequest(partition_key=key, asset_selection=reports), "a person")
    assert len(sent(server)) == 2
    by_hand = {"assignment_reports/send": "by_hand"}
    for _ in range(2):
        request = dg.RunRequest(partition_key="2026-06-13", asset_selection=[MANAGERS], tags=by_hand)
        scheduler.run(request, "a person")
    assert len(sent(server)) == 4
    rows = Ledger(scheduler.config.state).of_subscription(
        "acme", "managers", date(2026, 6, 13), date(2026, 6, 13)
    )
    assert {str(row.state) for row in rows} == {"accepted"}


def test_what_does_not_arrive_is_told_and_shown(scheduler: SimulatedScheduler, server: MailServer) -> None:
    server.does("RCPT", "550 nobody here")
    scheduler.pass_time(START + timedelta(hours=9))
    (told,) = (each.content.decode() for each in server.received if each.recipient == "ops@acme.example")
    assert "Subject: Assignment Reports: acme: deliveries of managers did not arrive\r\n" in told
    assert "yesterday of 2026-06-15: failed, recipients: 1. RCPT: 550 nobody" in told.replace("=\r\n", "")
    assert "acme.example" not in told.partition("\r\n\r\n")[2]
    ((passed, text),) = checks(scheduler)
    assert (passed, text) == (False, "yesterday of 2026-06-15: failed, RCPT: 550 nobody here")


def test_a_mail_server_that_is_down_holds_all_and_the_operator_hears_of_it_once(
    scheduler: SimulatedScheduler, server: MailServer
) -> None:
    server.does("greeting", *["421 not now"] * 8)
    scheduler.pass_time(START + timedelta(hours=10))
    assert sent(server) == ["ann@acme.example", "bob@acme.example"]
    told = [each.content for each in server.received if each.recipient == "ops@acme.example"]
    title = b"Assignment Reports: the mail server accepts nothing\r\n"
    assert [b"Subject: " + title in mail for mail in told] == [True, False]
    assert b"Subject: Resolved: " + title in told[1]
