"""Changed zones and files, and a source that stops: by Dagster, and in the operator's mail."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import func, select

from assets.archive.archive import Archive
from assets.warehouse.base import open_warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG
from orchestration.automation.runs import FLOW_ASSETS, RANGE_TAGS
from tests.conftest import HEADER
from tests.orchestration.simulated_scheduler import (
    SimulatedScheduler,
    configure,
    simulated_scheduler,
    write_events,
)
from tests.servers.mail_server import MailServer

START = datetime(2026, 6, 15, 4, tzinfo=UTC)  # midnight in New York
DAY = timedelta(days=1)
FIRST = date(2026, 4, 1)


def mails(server: MailServer) -> list[str]:
    return [each.content.decode().replace("=\r\n", "").replace("\r\n", " ") for each in server.received]


def mailed(server: MailServer, subject: str) -> int:
    return sum(f" Subject: {subject} " in mail for mail in mails(server))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a deployment whose 75 days are loaded."""
    write_events(folder := tmp_path_factory.mktemp("loaded"), FIRST, 75, per_day=24)
    configure(folder, {"first_day": str(FIRST)})
    with simulated_scheduler(folder, START) as scheduler:
        load(scheduler, FIRST, date(2026, 6, 14))
    return folder


@pytest.fixture
def scheduler(loaded: Path, tmp_path: Path, server: MailServer) -> Iterator[SimulatedScheduler]:
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    smtp = json.loads(server.settings().model_dump_json())
    configure(tmp_path, {"first_day": str(FIRST)}, smtp=smtp, operator="ops@acme.example")
    with simulated_scheduler(tmp_path, START, presets=["yesterday", "last_7_days"]) as scheduler:
        yield scheduler


def load(scheduler: SimulatedScheduler, first: date, last: date) -> None:
    keys = [dg.AssetKey(["acme", name]) for name in FLOW_ASSETS]
    tags = dict(zip(RANGE_TAGS, (str(first), str(last)), strict=True))
    scheduler.run(dg.RunRequest(asset_selection=keys, tags=tags), "hand")
    assert scheduler.runs[-1].success


def check(scheduler: SimulatedScheduler, name: str) -> tuple[bool, str]:
    key = dg.AssetCheckKey(dg.AssetKey(["acme", "assignment_events"]), name)
    (record,) = scheduler.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event
    assert record.event.dagster_event
    found = record.event.dagster_event.event_specific_data
    assert isinstance(found, dg.AssetCheckEvaluation)
    return found.passed, found.description or ""


def logged(scheduler: SimulatedScheduler) -> int:
    rows = open_warehouse(scheduler.config, "acme").query(select(func.count()).select_from(ASSIGNMENT_LOG))
    return int(rows.column(0)[0].as_py())


def test_dagster_reads_days_of_another_zone_again(scheduler: SimulatedScheduler) -> None:
    text = (scheduler.folder / "reports.yaml").read_text().replace("America/New_York", "Europe/Berlin")
    (scheduler.folder / "reports.yaml").write_text(text)
    scheduler.read_configuration()
    scheduler.by_dagster = True
    scheduler.now = START - timedelta(hours=1)  # five o'clock in Berlin: no report is due
    scheduler.look()
    passed, said = check(scheduler, "days_match_configuration")
    assert passed
    assert "75 days reloaded: the time zone was America/New_York" in said
    assert logged(scheduler) == 75 * 24 - 2, "the last two are of 15 June in Berlin"


def test_dagster_reads_a_new_file_before_a_report_that_is_due(scheduler: SimulatedScheduler) -> None:
    scheduler.pass_time(START + DAY + timedelta(hours=2))  # the nightly flow has run
    (scheduler.folder / "events" / "late.csv").write_text(
        f"{HEADER}\nlate,2026-06-10T12:00:00Z,c,k,Ann,,Bob,workflow,\n"
    )
    before = logged(scheduler)
    scheduler.pass_time(START + DAY + timedelta(hours=12))
    assert logged(scheduler) == before + 1
    newest = Archive(scheduler.config.archive).latest("acme", "last_7_days", date(2026, 6, 16))
    assert newest
    assert (newest[1].version, newest[1].total) == (1, 6 * 24 - 4 + 1)


def test_dagster_makes_reports_over_a_silence_provisional_and_the_operator_is_mailed_once(
    scheduler: SimulatedScheduler, server: MailServer
) -> None:
    scheduler.pass_time(START + DAY)  # 15 June has no events
    scheduler.by_dagster = True
    scheduler.pass_time(START + DAY + timedelta(hours=12))
    scheduler.by_dagster = False
    newest = Archive(scheduler.config.archive).latest("acme", "yesterday", date(2026, 6, 16))
    assert newest
    assert (newest[1].reasons, newest[1].has_no_data) == (("source_stalled",), True)
    assert check(scheduler, "source_not_stalled")[0] is False
    assert mailed(server, "Assignment Reports: acme: the source sends no events") == 1
    assert mailed(server, "Assignment Reports: acme: a day has an unusual number of events") == 1
    write_events(scheduler.folder, date(2026, 6, 15), 2, "more.csv", per_day=24)
    scheduler.pass_time(START + 2 * DAY + timedelta(hours=12))
    assert "Events have resumed; the newest is at 2026-06-16" in mails(server)[-1]
    assert mailed(server, "Resolved: Assignment Reports: acme: the source sends no events") == 1
    newest = Archive(scheduler.config.archive).latest("acme", "yesterday", date(2026, 6, 16))
    assert newest
    assert (newest[1].reasons, newest[1].total, newest[1].version) == ((), 24, 2)


def test_dagster_asks_a_source_between_loads(scheduler: SimulatedScheduler, server: MailServer) -> None:
    scheduler.by_dagster = True
    scheduler.now = START + timedelta(hours=20)
    scheduler.tick("acme_source_watch")
    scheduler.look()
    assert mailed(server, "Assignment Reports: acme: the source sends no events") == len(mails(server)) == 1
