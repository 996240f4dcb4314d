"""What every source keeps to: the window, any order, restarts, duplicates, emptiness, drift, an outage; the truth."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assets.errors import SourceError, SourceUnavailable, TransientError
from assets.extract.load import load_days
from assets.sources.base import Batch, Unreadable
from assets.sources.files.imports import DaySources
from assets.sources.registry import open_source
from assets.warehouse.schema import ASSIGNMENT_EVENTS, ASSIGNMENT_LOG, LOAD_COUNTS, REJECTED_EVENTS
from tests.conftest import LATER, Inbox
from tests.servers.postgres import Postgres
from tests.sources.adapters import ADAPTERS, REJECTED, Database, MailContext, System
from tests.sources.respond_io.simulated_truth import ANNA, BOB, Kind, Step, simulate

DAY = date(2024, 3, 5)
START, END = datetime(2024, 3, 5, 5, tzinfo=UTC), datetime(2024, 3, 6, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
README = Path(__file__).parents[2] / "docs" / "sources" / "README.md"

BEFORE = Step(1, START - SECOND, 7, None, ANNA, by=BOB)
FIRST = Step(2, START, 7, ANNA, BOB)
LAST = Step(3, END - SECOND, 7, BOB, ANNA, by=BOB)
AFTER = Step(4, END, 7, ANNA, None, by=BOB)


@pytest.fixture(params=ADAPTERS)
def name(request: pytest.FixtureRequest) -> str:
    """The name of one source."""
    found: str = request.param
    return found


@pytest.fixture
def system(name: str, request: pytest.FixtureRequest, inbox: Inbox) -> Iterator[System]:
    made = ADAPTERS[name](inbox, request)
    inbox.source = made.source
    yield made
    made.close()


def loaded(inbox: Inbox) -> list[datetime]:
    assert inbox.load(DAY).is_reconciled
    return [row["occurred_at"] for row in inbox.rows(ASSIGNMENT_EVENTS)]


EXPECTED = [FIRST.at, LAST.at]


def test_exactly_the_days_events_are_stored(inbox: Inbox, system: System) -> None:
    system.put([BEFORE, FIRST, LAST, AFTER])
    assert loaded(inbox) == EXPECTED


def test_the_order_in_which_they_come_makes_no_difference(inbox: Inbox, system: System) -> None:
    system.put([AFTER, LAST])
    system.put([FIRST, BEFORE])
    assert loaded(inbox) == EXPECTED


def test_a_day_that_is_read_again_is_the_same_to_the_byte(inbox: Inbox, system: System) -> None:
    system.put([BEFORE, FIRST, LAST, AFTER])
    loaded(inbox)
    before = inbox.files()
    loaded(inbox)
    assert inbox.files() == before


def test_what_comes_twice_is_stored_once(inbox: Inbox, system: System) -> None:
    system.put([FIRST, LAST])
    system.put([FIRST])
    assert loaded(inbox) == EXPECTED


def test_a_day_without_events_is_loaded_and_empty(inbox: Inbox, system: System) -> None:
    system.put([BEFORE, AFTER])
    assert loaded(inbox) == []
    assert [row["local_day"] for row in inbox.rows(LOAD_COUNTS)] == [DAY]


def test_what_is_new_in_it_changes_nothing(inbox: Inbox, system: System) -> None:
    system.put([FIRST, LAST], more=True)
    assert loaded(inbox) == EXPECTED


def test_an_outage_in_the_middle_leaves_the_day_as_it_was(inbox: Inbox, system: System) -> None:
    system.put([FIRST, LAST])
    loaded(inbox)
    before = inbox.files()
    source = open_source(inbox.workspace)

    class Interrupted:
        is_windowed = source.is_windowed
        options = source.options
        inventory = staticmethod(source.inventory)

        def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
            yield next(iter(source.read(start, end)))
            raise SourceUnavailable("gone")

    with pytest.raises(SourceError):
        load_days(inbox.workspace, DaySources(Interrupted(), []), inbox.lake, [DAY], LATER)
    assert inbox.files() == before


def test_a_server_that_dies_while_it_is_read_is_told(inbox: Inbox, postgres: Postgres) -> None:
    many = Database(postgres.url("postgres"), postgres.url(), "timestamptz")
    many.run(
        f"INSERT INTO {many.table} (event_id, occurred_at, contact_id, assignee_id, assignee_name) "
        "SELECT n, timestamptz '2024-03-05 12:00Z', n, 1, repeat('Bob', 50) FROM generate_series(1, 600000) AS n"
    )
    inbox.source = many.source
    rows = open_source(inbox.workspace).read(START, END)
    next(rows)
    many.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")
    with pytest.raises(SourceError) as caught:
        list(rows)
    assert isinstance(caught.value, TransientError)
    many.close()


DAYS = date(2024, 3, 4), date(2024, 3, 11)  # the 10th has 23 hours
ZONE = ZoneInfo("America/New_York")
NOT_COMPARED = {"origin", "position", "held_since_position"}  # and `event_id` where the source has no ids


@pytest.fixture
def steps() -> list[Step]:
    """Two thousand steps, some eighty and more of each kind; `make test-system` takes ten thousand."""
    return simulate(2_000)


def expected_log(system: System, steps: list[Step]) -> list[MailContext]:
    """Return the log that the definitions ask for, of what *system* says of *steps*."""
    log, held, rows = [], dict[int, MailContext](), dict[int, MailContext]()
    for step in steps:
        said = system.says(step)
        if not isinstance(said, dict):
            continue
        assignee = {part: said[f"assignee_{part}"] for part in ("id", "name")}
        if not said["previous_stated"]:
            before = held.get(step.subject, {"id": None, "name": None})
            said |= {f"previous_assignee_{part}": before[part] for part in ("id", "name")}
        held[step.subject] = assignee
        was = (said["previous_assignee_id"], said["previous_assignee_name"])
        is_same = was[0] == assignee["id"] if was[0] and assignee["id"] else was[1] == assignee["name"]
        if is_same and (any(was) == any(assignee.values())):
            continue
        if said["source"] != "user":
            said |= {"assigned_by_id": None, "assigned_by_name": None}
        action = "unassigned" if not any(assignee.values()) else "reassigned" if any(was) else "assigned"
        quality = "stated" if said["previous_stated"] else "inferred"
        said |= {"action": action, "previous_quality": quality, "number": step.number}
        before = rows.get(step.subject, {})
        said |= {"held_since": before.get("occurred_at"), "held_since_day": before.get("local_day")}
        rows[step.subject] = said | {"local_day": said["occurred_at"].astimezone(ZONE).date()}
        log.append(rows[step.subject])
    return log


def test_the_log_is_the_truth_in_every_column(
    inbox: Inbox, system: System, name: str, steps: list[Step]
) -> None:
    """The table in docs/sources/README.md is what this test has seen."""
    system.put(steps)
    loaded = inbox.load(*DAYS)
    assert loaded.is_reconciled
    inbox.build(*DAYS)
    expected = expected_log(system, steps)
    columns = sorted(expected[0].keys() - {"event_id", "number", "previous_stated"})
    assert {*columns, "event_id"} == {column.name for column in ASSIGNMENT_LOG.columns} - NOT_COMPARED
    found = [{column: row[column] for column in columns} for row in inbox.log()]
    wanted = [{column: row[column] for column in columns} for row in expected]
    for row, true_row in zip(found, wanted, strict=False):
        assert row == true_row
    assert len(found) == len(wanted)
    if expected[0]["event_id"]:
        assert [row["event_id"] for row in inbox.log()] == [row["event_id"] for row in expected]
    rejected = {row["row_number"] for row in inbox.rows(REJECTED_EVENTS)} - {0}
    assert {step.number for step in steps if system.says(step) == REJECTED} <= rejected
    line = table_line(name, system, steps, expected)
    assert line in README.read_text(encoding="utf-8").splitlines(), line


def table_line(name: str, system: System, steps: list[Step], log: list[MailContext]) -> str:
    """Return the line of docs/sources/README.md: what becomes of most steps of each kind, and what is not stated."""
    by_number = {row["number"]: row for row in log}
    outcomes = {kind: Counter[str]() for kind in Kind}
    for step in steps:
        outcomes[step.kind][outcome(step, system.says(step), by_number.get(step.number))] += 1
    missing = [part for part in ("previous", "time", "source", "actor") if part in not_stated(log)]
    cells = [outcomes[kind].most_common(1)[0][0] for kind in Kind]
    return f"| {name} | {' | '.join(cells)} | {', '.join(missing) or '-'} |"


def outcome(step: Step, said: MailContext | str | None, row: MailContext | None) -> str:
    if said == REJECTED:
        return "rejected"
    if said is None:
        return "not recorded"
    if row is None:
        return "no event"
    found = "inferred" if not_stated([row]) - {"actor"} else "exact"
    is_other = row["source_quality"] == "stated" and row["source"] != step.source
    return f"{found}, as {row['source']}" if is_other else found


def not_stated(rows: list[MailContext]) -> set[str]:
    """Return what is inferred or unknown in *rows* of the log."""
    has_actor = any(row["assigned_by_id"] or row["assigned_by_name"] for row in rows)
    found = {
        "previous": any(row["previous_quality"] == "inferred" for row in rows),
        "time": any(row["time_quality"] == "received" for row in rows),
        "source": any(row["source_quality"] == "unknown" for row in rows),
        "actor": not has_actor,
    }
    return {part for part, is_missing in found.items() if is_missing}


def test_the_page_lists_each_source_once() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    header = lines.index(f"| source | {' | '.join(Kind)} | not stated |")
    listed = [
        line.split(" | ")[0].removeprefix("| ") for line in lines[header + 2 :] if line.startswith("| ")
    ]
    assert listed[: len(ADAPTERS)] == [*ADAPTERS]
