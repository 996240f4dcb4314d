"""The synthetic inbox is one that a support manager would believe, and the hostile one is not."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from os.path import normpath
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assets.config.loader import load_config
from assets.config.source import FilesSource
from assets.config.workspace import ReportSpec
from assets.periods import PRESETS
from assets.report.build import build_report
from assets.report.model import Report, Rule
from assets.sources.synthetic import write_events
from assets.sources.synthetic.names import HOSTILE
from assets.sources.synthetic.staff import ASSIGNEES, PARTNER, PASSES_ON
from orchestration.cli.maintenance import DEMO_LAST_DAY
from tests.conftest import LATER, Inbox

ROOT = Path(__file__).parents[2]
LAST_DAY = date.fromisoformat(DEMO_LAST_DAY)
FIRST_DAY = LAST_DAY - timedelta(99)
NEW_YORK = ZoneInfo("America/New_York")
STAFF = {assignee.id: assignee for assignee in ASSIGNEES}
Event = dict[str, str]


def read_rows(path: Path) -> list[Event]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))[:-1]  # the last line is half a one


def local_time(event: Event) -> datetime:
    return datetime.fromisoformat(event["occurred_at"]).astimezone(NEW_YORK)


def is_person(assignee: str) -> bool:
    return bool(assignee) and STAFF[assignee].kind == "person"


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Inbox:
    """The demo's inbox, loaded and built."""
    inbox = Inbox(tmp_path_factory.mktemp("demo"), first_day=FIRST_DAY)
    write_events(inbox.folder / "events" / "events.csv", last_day=LAST_DAY)
    inbox.load(FIRST_DAY, LAST_DAY)
    inbox.build(FIRST_DAY, LAST_DAY)
    return inbox


@pytest.fixture(scope="module")
def rows(inbox: Inbox) -> list[Event]:
    return read_rows(inbox.folder / "events" / "events.csv")


@pytest.fixture(scope="module")
def events(rows: list[Event]) -> list[Event]:
    """The rows without the flaws: each event once."""
    valid = {row["event_id"]: row for row in rows if row["event_id"].count("-") == 1}
    return list(valid.values())


@pytest.fixture(scope="module")
def reports(inbox: Inbox) -> dict[str, Report]:
    """The report of every preset that `make demo` makes."""
    with inbox.lake.reading():
        return {
            preset.value: build_report(
                inbox.lake, inbox.workspace, ReportSpec(name=preset.value, preset=preset), LAST_DAY, LATER
            ).report
            for preset in PRESETS
        }


def followed(events: list[Event]) -> Iterator[tuple[Event, Event]]:
    """Yield each event with the next one of its contact."""
    of_contact = defaultdict(list)
    for event in events:
        of_contact[event["contact_id"]].append(event)
    for steps in of_contact.values():
        yield from pairwise(steps)


@pytest.mark.parametrize("count", [1, 300, 4_000])
def test_the_same_seed_gives_the_same_file(tmp_path: Path, count: int) -> None:
    paths = [tmp_path / f"{number}.csv" for number in range(3)]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        lines = write_events(path, last_day=LAST_DAY, days=9, events=count, seed=seed)
        assert lines == len(path.read_text(encoding="utf-8").splitlines()) - 1
        valid = {row["event_id"] for row in read_rows(path) if row["event_id"].count("-") == 1}
        assert valid == {f"e-{number:06d}" for number in range(count)}
    first, again, other = (path.read_bytes() for path in paths)
    assert first == again != other


@pytest.mark.parametrize("last_day", [date(2024, 3, 12), date(2026, 11, 3)], ids=["forward", "back"])
def test_times_follow_each_other_where_clocks_change(tmp_path: Path, last_day: date) -> None:
    path = tmp_path / "events.csv"
    write_events(path, last_day=last_day, days=4, events=20_000)
    rows = [row for row in read_rows(path) if row["event_id"].count("-") == 1]
    times = [row["occurred_at"] for row in rows]
    assert times == sorted(times)
    assert {local_time(row).date() for row in rows} == {last_day - timedelta(number) for number in range(4)}


def test_the_previous_assignee_is_who_had_the_contact(events: list[Event]) -> None:
    first = {event["contact_id"]: event for event in reversed(events)}
    assert {event["previous_assignee_id"] for event in first.values()} == {""}
    for event, following in followed(events):
        assert following["previous_assignee_id"] == event["assignee_id"]
        assert following["previous_assignee_name"] == event["assignee_name"]


def test_sources_do_what_their_names_say(events: list[Event]) -> None:
    for event in events:
        assert bool(event["assigned_by_id"]) == (event["source"] == "user")
        if event["source"] == "close_conversation":
            assert not event["assignee_id"]
            assert event["previous_assignee_id"]
    assert {event["source"] for event in events if not event["assignee_id"]} == {
        "ai_agent", "close_conversation", "user", "workflow",
    }  # fmt: skip


def test_contacts_are_imported_in_bursts(events: list[Event]) -> None:
    times = [local_time(event) for event in events if event["source"] == "contact_import"]
    bursts = Counter(time.date() for time in times)
    assert len(bursts) == 7
    assert min(bursts.values()) > 20
    assert {(time.weekday(), time.hour, time.minute // 5) for time in times} == {(0, 10, 0)}


def test_people_work_in_their_shifts_only(events: list[Event]) -> None:
    weekdays = defaultdict(set)
    for event in events:
        time = local_time(event)
        for key in {event["assignee_id"], event["assigned_by_id"]}:
            if is_person(key):
                assert STAFF[key].is_on_duty(time.weekday(), time.hour), event
                weekdays[key].add(time.weekday())
    assert {key: len(days) for key, days in weekdays.items()} == {key: 5 for key in STAFF if is_person(key)}


def test_bots_take_contacts_that_nobody_has_and_hand_them_to_people(events: list[Event]) -> None:
    taken = [event for event in events if event["assignee_kind"] in {"bot", "ai_agent"}]
    assert {(event["source"], event["previous_assignee_id"]) for event in taken} == {("workflow", "")}
    handed = Counter(
        (following["source"], is_person(following["assignee_id"]))
        for event, following in followed(events)
        if event["assignee_kind"] in {"bot", "ai_agent"}
    )
    assert sum(handed.values()) > 0.99 * len(taken)
    assert set(handed) == {("bot", True), ("ai_agent", True), ("ai_agent", False)}
    assert handed["ai_agent", True] > handed["ai_agent", False]


def test_one_agent_passes_nearly_everything_on_within_minutes(events: list[Event]) -> None:
    received, passed = Counter[str](), Counter[str]()
    for event, following in followed(events):
        if is_person(event["assignee_id"]):
            received[event["assignee_id"]] += 1
            waited = local_time(following) - local_time(event)
            passed[event["assignee_id"]] += (
                is_person(following["assignee_id"])
                and following["source"] == "user"
                and waited < timedelta(minutes=15)
            )
    shares = {key: passed[key] / count for key, count in received.items()}
    passes_on = ASSIGNEES[PASSES_ON].id
    assert shares.pop(passes_on) > 0.75
    assert max(shares.values()) < 0.2


def test_two_people_send_conversations_back_to_each_other(reports: dict[str, Report]) -> None:
    chains = reports["last_month"].chains
    assert chains
    partners = {frozenset((ASSIGNEES[one].name, ASSIGNEES[other].name)) for one, other in PARTNER.items()}
    assert {frozenset((pair.first, pair.second)) for pair in chains.return_pairs[:2]} == partners
    assert chains.return_pairs[1].count > 3 * chains.return_pairs[2].count


def test_the_ai_agent_is_new_in_the_last_two_weeks(events: list[Event]) -> None:
    days = sorted({local_time(event).date() for event in events if event["source"] == "ai_agent"})
    assert (days[0], days[-1]) == (LAST_DAY - timedelta(13), LAST_DAY)


def test_the_demo_s_reports_are_complete_and_compare(reports: dict[str, Report]) -> None:
    assert load_config(ROOT / "reports.yaml").workspaces[0].first_day == FIRST_DAY
    assert len(reports) == 7
    for report in reports.values():
        assert report.is_reconciled
        assert not report.provisional
        assert report.comparison
        assert report.comparison.change_pct is not None, report.name
        assert report.by_day[0].count


def test_the_demo_has_something_to_find(reports: dict[str, Report]) -> None:
    found = {name: {finding.rule for finding in report.findings} for name, report in reports.items()}
    assert {Rule.CHANGE, Rule.SHIFT, Rule.BOUNCED, Rule.RETURNS} <= found["last_7_days"]
    assert {Rule.CHANGE, Rule.NEW_SOURCE} <= found["last_30_days"] & found["this_month"]
    assert {Rule.DAILY_CHANGE, Rule.TOP_SOURCE, Rule.UNASSIGNED} <= found["last_month"]
    assert all(Rule.GONE_SOURCE not in rules for rules in found.values())


def test_the_demo_s_flaws_are_few(reports: dict[str, Report], rows: list[Event]) -> None:
    quality = reports["last_30_days"].quality
    for count in (quality.rejected, quality.duplicates, quality.no_change):
        assert 1 < count < 0.01 * quality.read
    assert {row["occurred_at"] for row in rows if row["event_id"].endswith("-x")} > {"", "#VALUE!"}


def test_the_demo_s_names_are_believable(rows: list[Event]) -> None:
    names = {row["contact_name"] for row in rows}
    assert not names & {*HOSTILE}
    assert len(names) > 1_000
    for name in names:
        assert name.replace("'", "").replace(" ", "").isalpha()
        assert all(ord(letter) < 0x2000 for letter in name), "Latin letters"


def test_the_hostile_inbox_differs_in_names_only(tmp_path: Path) -> None:
    plain, hostile = tmp_path / "plain.csv", tmp_path / "hostile.csv"
    write_events(plain, last_day=LAST_DAY, events=300)
    write_events(hostile, last_day=LAST_DAY, events=300, hostile=True)
    rows = read_rows(hostile)
    assert {*HOSTILE} <= {row["contact_name"] for row in rows}
    assert {"陈伟", "ليلى حسن"} <= {row["assignee_name"] for row in rows}
    steps = ("event_id", "occurred_at", "contact_id", "assignee_id", "source")
    of_plain, of_hostile = (
        {row["event_id"]: [row[key] for key in steps] for row in found if row["event_id"].count("-") == 1}
        for found in (read_rows(plain), rows)
    )
    assert of_plain == of_hostile


def test_the_hostile_workspace_reads_what_make_writes() -> None:
    (workspace,) = load_config(ROOT / "tests" / "demo-hostile.yaml").workspaces
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert workspace.slug == "demo-hostile"
    assert workspace.first_day == FIRST_DAY
    assert isinstance(workspace.source, FilesSource)
    assert normpath(workspace.source.path) == str(ROOT / "demo" / "hostile" / "*.csv")
    assert "\ndemo/hostile/events.csv: | .venv/installed\n" in makefile
