"""The synthetic source: a day's events are the same whenever they are read, up to now, late ones later."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assets.config.loader import load_config
from assets.extract.load import load_days
from assets.periods import DAY, first_instant
from assets.sources.files.imports import DaySources
from assets.sources.registry import open_source
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS, REJECTED_EVENTS
from tests.conftest import Inbox

ROOT = Path(__file__).parents[2]
NEW_YORK = ZoneInfo("America/New_York")
TODAY = date(2026, 11, 24)  # the third day of its two weeks
NOON = datetime.combine(TODAY, time(12), NEW_YORK).astimezone(UTC)


@pytest.fixture
def inbox(inbox: Inbox) -> Inbox:
    inbox.source = {"type": "synthetic", "events_per_day": 100}
    return inbox


def load(inbox: Inbox, first: date, last: date, now: datetime) -> None:
    days = [first + number * DAY for number in range((last - first).days + 1)]
    source = DaySources(open_source(inbox.workspace, now), [])
    assert load_days(inbox.workspace, source, inbox.lake, days, now).is_reconciled


def ids_by_day(inbox: Inbox) -> dict[date, list[str]]:
    found: dict[date, list[str]] = {}
    for row in inbox.rows(ASSIGNMENT_EVENTS):
        found.setdefault(row["local_day"], []).append(row["event_id"])
    return found


def test_today_grows_and_yesterday_gets_its_late_events(inbox: Inbox) -> None:
    load(inbox, TODAY - DAY, TODAY, NOON)
    at_noon = ids_by_day(inbox)
    assert max(row["occurred_at"] for row in inbox.rows(ASSIGNMENT_EVENTS)) < NOON
    load(inbox, TODAY - DAY, TODAY, NOON + DAY)
    later = ids_by_day(inbox)
    for day in (TODAY - DAY, TODAY):
        assert [each for each in later[day] if each in at_noon[day]] == at_noon[day]
        assert len(later[day]) > len(at_noon[day])
    assert len(later[TODAY - DAY]) - len(at_noon[TODAY - DAY]) <= 3


def test_a_day_alone_is_the_same_as_in_a_range_over_two_simulations(inbox: Inbox) -> None:
    first = TODAY - 5 * DAY
    load(inbox, first, TODAY, NOON + 3 * DAY)
    before = inbox.files()
    for number in range(6):
        load(inbox, first + number * DAY, first + number * DAY, NOON + 4 * DAY)
    changed = {name for name in inbox.files() if inbox.files()[name] != before.get(name)}
    assert all("load_counts" in name for name in changed), changed
    ids = [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)]
    assert len(set(ids)) == len(ids) > 300


def test_each_day_has_one_faulty_row_and_an_event_from_its_first_minutes(inbox: Inbox) -> None:
    load(inbox, TODAY - 6 * DAY, TODAY, first_instant(TODAY, NEW_YORK) + timedelta(minutes=2))
    days = [TODAY - number * DAY for number in range(6, -1, -1)]
    assert [row["local_day"] for row in inbox.rows(REJECTED_EVENTS)] == days
    assert [row["local_day"] for row in inbox.rows(LOAD_COUNTS) if row["accepted_count"]] == days


def test_make_dev_shows_it_unless_another_configuration_is_named(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "dev: export ASSIGNMENT_REPORTS_CONFIG ?= $(CURDIR)/demo/dev/reports.yaml\n" in makefile
    template = (ROOT / "deploy" / "dev.yaml").read_text(encoding="utf-8")
    (tmp_path / "reports.yaml").write_text(template.replace("FIRST_DAY", str(TODAY)), encoding="utf-8")
    config = load_config(tmp_path / "reports.yaml")
    assert config.start_schedules
    assert [workspace.source.type for workspace in config.workspaces] == ["synthetic"]
