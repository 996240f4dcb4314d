"""Changed zones and files, and a source that stops: by the command line, by Dagster, and in the operator's mail."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from sqlalchemy import func, select

from assets.archive.archive import Archive
from assets.warehouse.base import open_warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG
from orchestration.automation.runs import FLOW_ASSETS, RANGE_TAGS
from tests.conftest import HEADER
from tests.orchestration.command_line import CONFIG, DATA_ONLY, LAST_DAY, CommandLine
from tests.orchestration.simulated_scheduler import (
    SimulatedScheduler,
    configure,
    simulated_scheduler,
    write_events,
)
from tests.servers.mail_server import MailServer, mail_server

START = datetime(2026, 6, 15, 4, tzinfo=UTC)  # midnight in New York
DAY = timedelta(days=1)
FIRST = date(2026, 4, 1)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def mails(server: MailServer) -> list[str]:
    return [each.content.decode().replace("=\r\n", "").replace("\r\n", " ") for each in server.received]


def write_steady(path: Path, until: datetime, days: int = 60, per_day: int = 96) -> None:
    """Write events at equal distances up to *until*."""
    step = timedelta(days=1) / per_day
    rows = [
        f"{path.stem}-{n},{(until - n * step).isoformat()},c{n},k{n},Ann,,Bob,workflow,"
        for n in range(1, days * per_day)
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([HEADER, *rows, ""]))


def test_the_operator_is_mailed_once_when_a_source_stops_and_once_when_it_goes_on(
    tmp_path: Path, server: MailServer
) -> None:
    now = datetime.now(UTC)
    write_steady(tmp_path / "events" / "events.csv", now - timedelta(hours=30))
    first_day = str((now - 58 * DAY).date())
    smtp = yaml.safe_dump(
        {"smtp": json.loads(server.settings().model_dump_json()), "operator": "ops@acme.example"}
    )
    (tmp_path / "reports.yaml").write_text(CONFIG.replace("2026-09-10", first_day) + DATA_ONLY + smtp)
    command_line = CommandLine(tmp_path)
    presets = [f"--preset={name}" for name in ("today", "last_30_days")]
    done = command_line.call(
        "run", "--json", *presets, f"--from={first_day}", f"--to={(now - 3 * DAY).date()}"
    )
    made = {each["report"].partition("_2")[0]: each for each in json.loads(done.stdout)}
    assert made["today"]["reasons"] == ["source_stalled"]
    assert made["today"]["total"] is None
    assert made["custom"]["reasons"] == []
    command_line.call("run", *presets)
    (mail,) = mails(server)
    assert "Subject: Assignment Reports: acme: no event from" in mail
    write_steady(tmp_path / "events" / "more.csv", datetime.now(UTC) - timedelta(minutes=20), days=1)
    done = command_line.call("run", "--json", *presets)
    assert {tuple(each["reasons"]) for each in json.loads(done.stdout)} == {()}
    assert len(server.received) == 2
    assert "acme: events come again" in mails(server)[1]


def test_another_zone_or_file_is_read_again_and_the_next_version_says_why(command_line: CommandLine) -> None:
    command_line.run("--preset", "last_30_days")
    (command_line.folder / "events" / "more.csv").write_text(
        f"{HEADER}\nx,2026-10-20T12:00:00Z,c,k,Ann,,Bob,workflow,\n"
    )
    (one,) = command_line.run("--preset", "last_30_days")
    manifest = json.loads((Path(one["path"]) / "manifest.json").read_text())
    assert manifest["supersedes"]["causes"] == ["data"]
    assert manifest["supersedes"]["changes"]["total"][1] == manifest["supersedes"]["changes"]["total"][0] + 1
    configuration = (command_line.folder / "reports.yaml").read_text()
    (command_line.folder / "reports.yaml").write_text(configuration.replace("America/New_York", "Asia/Tokyo"))
    done = command_line.call("run", "--json", "--report-date", str(LAST_DAY), "--preset", "last_30_days")
    assert "reading again: the time zone was America/New_York" in done.stderr
    (two,) = json.loads(done.stdout)
    causes = json.loads((Path(two["path"]) / "manifest.json").read_text())["supersedes"]["causes"]
    assert causes == ["configuration", "data"]
    fresh = CommandLine(command_line.folder / "fresh")
    fresh.folder.mkdir()
    (command_line.folder / "events").rename(fresh.folder / "events")
    (fresh.folder / "reports.yaml").write_text((command_line.folder / "reports.yaml").read_text())
    (again,) = fresh.run("--preset", "last_30_days")
    assert two["total"] == again["total"]


def test_a_renamed_slug_leaves_no_silent_orphan(command_line: CommandLine) -> None:
    command_line.run("--preset", "yesterday")
    path = command_line.folder / "reports.yaml"
    path.write_text(path.read_text().replace("slug: acme", "slug: other"))
    done = command_line.call("check-config")
    assert done.returncode == 0
    for folder in ("lake/acme", "out/acme"):
        assert f"{command_line.folder / folder} belongs to no workspace of the configuration" in done.stderr
    assert "FAIL  Orphan: lake folder" in command_line.call("doctor").stdout


@pytest.fixture
def scheduler(tmp_path: Path, server: MailServer) -> Iterator[SimulatedScheduler]:
    write_events(tmp_path, FIRST, 75, per_day=24)
    smtp = json.loads(server.settings().model_dump_json())
    configure(tmp_path, {"first_day": str(FIRST)}, smtp=smtp, operator="ops@acme.example")
    with simulated_scheduler(tmp_path, START, by_dagster=True) as scheduler:
        load(scheduler, FIRST, date(2026, 6, 14))
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
    scheduler.now = START - timedelta(hours=1)  # five o'clock in Berlin: no report is due
    scheduler.look()
    passed, said = check(scheduler, "days_match_configuration")
    assert passed
    assert "75 days read again: the time zone was America/New_York" in said
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
    scheduler.pass_time(START + DAY + timedelta(hours=12))  # 15 June has no events
    newest = Archive(scheduler.config.archive).latest("acme", "yesterday", date(2026, 6, 16))
    assert newest
    assert (newest[1].reasons, newest[1].has_no_data) == (("source_stalled",), True)
    assert check(scheduler, "source_not_stalled")[0] is False
    stalled = [mail for mail in mails(server) if "no event from" in mail]
    assert len(stalled) == 1
    write_events(scheduler.folder, date(2026, 6, 15), 2, "more.csv", per_day=24)
    scheduler.pass_time(START + 2 * DAY + timedelta(hours=12))
    assert len([mail for mail in mails(server) if "events come again" in mail]) == 1
    newest = Archive(scheduler.config.archive).latest("acme", "yesterday", date(2026, 6, 16))
    assert newest
    assert (newest[1].reasons, newest[1].total, newest[1].version) == ((), 24, 2)


def test_dagster_asks_a_source_between_loads(scheduler: SimulatedScheduler, server: MailServer) -> None:
    scheduler.now = START + timedelta(hours=20)
    scheduler.tick("acme_source_watch")
    scheduler.look()
    assert ["no event from" in mail for mail in mails(server)] == [True]
