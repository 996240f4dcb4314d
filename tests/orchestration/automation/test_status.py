"""The status of a deployment over a good day, and over one whose folder is missing."""

import json
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from shutil import rmtree
from typing import Any

from assets.deliver.failures import Failure, report_failures, report_recovered
from assets.errors import SourceUnreadable
from orchestration.automation.status import Level, Status, read_status
from orchestration.cli.status_output import print_json, print_status
from tests.orchestration.simulated_scheduler import (
    SimulatedScheduler,
    configure,
    simulated_scheduler,
    write_events,
)

START = datetime(2026, 6, 15, 4, tzinfo=UTC)  # midnight in New York
HOUR = timedelta(hours=1)


def status_of(scheduler: SimulatedScheduler) -> Status:
    return read_status(scheduler.config, scheduler.broken, scheduler.now)


def as_json(status: Status) -> dict[str, Any]:
    with redirect_stdout(StringIO()) as printed:
        print_json(status)
    found: dict[str, Any] = json.loads(printed.getvalue())
    return found


def as_text(status: Status) -> str:
    with redirect_stdout(StringIO()) as printed:
        print_status(status)
    return printed.getvalue()


def test_a_good_day_is_fine_and_says_what_comes_next(tmp_path: Path) -> None:
    write_events(tmp_path, date(2026, 6, 1), 30)
    configure(tmp_path)
    with simulated_scheduler(tmp_path, START, presets=["yesterday"]) as scheduler:
        scheduler.pass_time(START + 7 * HOUR)
        rmtree(tmp_path / "lake")  # nothing of it is read
        status = status_of(scheduler)
        (workspace,) = as_json(status)["workspaces"]
    assert status.level is Level.FINE
    assert workspace == {
        "workspace": "acme",
        "level": "fine",
        "timezone": "America/New_York",
        "newest_event": "2026-06-15T00:30:00+00:00",
        "last_load": "2026-06-15T04:20:00+00:00",
        "loaded_until": "2026-06-15T04:00:00+00:00",
        "load_overdue": False,
        "due": [],
        "late": [],
        "provisional": [],
        "undelivered": {},
        "next_load": "2026-06-16T04:20:00+00:00",
        "next_reports": "2026-06-16T10:00:00+00:00",
        "alerts": [],
    }
    assert "acme        06-14 20:30    00:00          00:20" in as_text(status)


def test_what_waits_is_late_provisional_or_fails_is_said(tmp_path: Path) -> None:
    configure(tmp_path, {"when_late": "wait"}, {"slug": "beta"})
    with simulated_scheduler(tmp_path, START, presets=["yesterday"]) as scheduler:
        scheduler.pass_time(START + 6 * HOUR + timedelta(minutes=20))
        assert status_of(scheduler).level is Level.FINE, "it may take half an hour"
        scheduler.pass_time(START + 7 * HOUR)
        assert status_of(scheduler).level is Level.ATTENTION
        scheduler.pass_time(START + 13 * HOUR)
        report_failures(scheduler.config, [NO_FILE], scheduler.now)
        status = status_of(scheduler)
        acme, beta = as_json(status)["workspaces"]
        text = as_text(status)
        report_recovered(scheduler.config, "acme", "load", scheduler.now)
        assert {each.level for each in status_of(scheduler).workspaces} == {Level.FAILING, Level.ATTENTION}
    assert status.level is Level.FAILING
    assert [(each["report"], each["report_date"]) for each in acme["late"]] == [("yesterday", "2026-06-15")]
    assert (acme["alerts"][0]["key"], acme["alerts"][0]["severity"]) == ("acme/load", "error")
    assert [each["report"] for each in beta["provisional"]] == ["yesterday"]
    assert "acme: late: yesterday of 2026-06-15\n" in text
    assert "beta: provisional: yesterday of 2026-06-15\n" in text
    assert "error: acme: days are not loaded" in text
    assert text.endswith("Status: failing\n")


NO_FILE = Failure("acme", "load", SourceUnreadable("no file matches"), run="run-1")
