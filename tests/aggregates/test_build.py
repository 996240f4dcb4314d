import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from assets.aggregates.build import build_days
from assets.aggregates.lineage import stale_days
from assets.warehouse.schema import ASSIGNMENT_EVENTS, DAILY_SOURCE_AGGREGATES, LOG_COUNTS
from tests.conftest import DAY, Inbox, line

UNSTATED = "event_id,occurred_at,conversation_id,contact_id,assignee,source"
MARCH = (date(2024, 3, 1), date(2024, 3, 10))


def test_the_previous_assignee_is_the_last_known_one_where_the_source_does_not_tell(inbox: Inbox) -> None:
    inbox.write(
        "e1,2024-03-01T15:00:00Z,c1,k1,Bob,user",
        "e2,2024-03-05T15:00:00Z,c2,k1,Eve,user",  # another conversation of the contact
        "e3,2024-03-05T16:00:00Z,c2,k1,Eve,user",  # no change
        "e4,2024-03-05T17:00:00Z,c2,k1,,user",
        "e5,2024-03-05T17:00:00Z,c3,k2,,user",  # nobody stays nobody
        header=UNSTATED,
    )
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    told = [(row["event_id"], row["previous_assignee_name"], row["action"]) for row in inbox.log()]
    assert told == [("e1", None, "assigned"), ("e2", "Bob", "reassigned"), ("e4", "Eve", "unassigned")]
    assert {row["previous_quality"] for row in inbox.log()} == {"inferred"}
    assert sum(row["no_change_count"] for row in inbox.rows(LOG_COUNTS)) == 2


def test_an_id_that_an_earlier_day_has_is_counted_once(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-01T15:00:00Z"), line("e1", "2024-03-05T15:00:00Z", assignee="Eve"))
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    assert [row["assignee_name"] for row in inbox.log()] == ["Bob"]
    assert sum(row["repeated_count"] for row in inbox.rows(LOG_COUNTS)) == 1


def test_assigned_by_is_told_for_people_only(inbox: Inbox) -> None:
    inbox.write(
        line("e1", "2024-03-05T15:00:00Z", source="user", assigned_by="Eve"),
        line("e2", "2024-03-05T16:00:00Z", source="workflow", assigned_by="Eve"),
    )
    inbox.load()
    inbox.build()
    assert [row["assigned_by_name"] for row in inbox.log()] == ["Eve", None]


def test_the_log_is_in_the_order_of_time_then_row(inbox: Inbox) -> None:
    inbox.write(
        *(line(event_id, "2024-03-05T15:00:00Z", contact_id=event_id) for event_id in ("b", "a", "c"))
    )
    inbox.load()
    inbox.build()
    assert [row["event_id"] for row in inbox.log()] == ["b", "a", "c"]


def test_counts_are_by_day_source_and_action(inbox: Inbox) -> None:
    inbox.write(
        line("e1", "2024-03-05T15:00:00Z"),
        line("e2", "2024-03-05T16:00:00Z", previous_assignee="Bob", assignee="Eve"),
        line("e3", "2024-03-05T17:00:00Z", previous_assignee="Eve", assignee="", contact_id="k2"),
        line("e4", "2024-03-06T17:00:00Z", source="bot"),
    )
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    assert [list(row.values()) for row in inbox.rows(DAILY_SOURCE_AGGREGATES)] == [
        [date(2024, 3, 5), "workflow", 3, 1, 1, 1, 2, 1],
        [date(2024, 3, 6), "bot", 1, 1, 0, 0, 1, 1],
    ]


def random_events(seed: int, ids: int = 400, count: int = 400) -> list[str]:
    """Return *count* events of ten days without a previous assignee; fewer *ids* make some come again."""
    rng = random.Random(seed)
    start = datetime(2024, 3, 1, 5, tzinfo=UTC)
    return [
        ",".join(
            (
                f"e{number % ids}",
                (start + timedelta(minutes=rng.randrange(9 * 24 * 60))).isoformat(),
                f"c{rng.randrange(40)}",
                rng.choice(["", *(f"k{n}" for n in range(9))]),
                rng.choice(["", "Bob", "Eve", "Ann"]),
                rng.choice(["user", "bot"]),
            )
        )
        for number in range(count)
    ]


def test_a_run_over_a_range_stores_what_its_days_run_singly_store(inbox: Inbox) -> None:
    """`make test-system` does so with more seeds."""
    check_range(inbox, seed=0)


def check_range(inbox: Inbox, seed: int) -> None:
    """Fail where the days of one run differ from the same days run singly."""
    inbox.write(*random_events(seed, ids=250), header=UNSTATED)
    for day in inbox.period(*MARCH).days:
        inbox.load(day)
        inbox.build(day)
    one_by_one = inbox.files()
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    assert inbox.files() == one_by_one


@pytest.mark.parametrize("ids", [400, 250, 120])
def test_inferred_previous_assignees_are_those_of_a_plain_replay(inbox: Inbox, ids: int) -> None:
    inbox.write(*random_events(11, ids), header=UNSTATED)
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    known: dict[str, str | None] = {}
    seen: set[str] = set()
    expected = []
    events = [tuple(each.split(",")) for each in random_events(11, ids)]
    for event_id, _, conversation, contact, assignee, _ in sorted(events, key=lambda row: row[1]):
        if event_id in seen:
            continue
        whose = contact or f"conversation {conversation}"
        before, known[whose] = known.get(whose), assignee or None
        if before != known[whose]:
            seen.add(event_id)
            expected.append((event_id, before, known[whose]))
    found = [(row["event_id"], row["previous_assignee_name"], row["assignee_name"]) for row in inbox.log()]
    assert len(found) > 100
    assert found == expected


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("ids", [400, 250])
def test_the_log_of_a_source_that_states_all_is_that_of_a_plain_replay(
    inbox: Inbox,
    ids: int,
    one_by_one: bool,  # noqa: FBT001 - a parameter
) -> None:
    rng = random.Random(ids)
    people = ["", "Bob", "Eve", "Ann"]
    inbox.write(
        *(
            line(
                event_id,
                occurred_at,
                conversation_id=conversation,
                contact_id=contact,
                assignee=assignee,
                previous_assignee=rng.choice(people),
                source=source,
                assigned_by=rng.choice(people),
            )
            for event_id, occurred_at, conversation, contact, assignee, source in (
                each.split(",") for each in random_events(13, ids)
            )
        )
    )
    days = inbox.period(*MARCH).days
    inbox.load(*MARCH)
    for first, last in [(day, day) for day in days] if one_by_one else [MARCH]:
        inbox.build(first, last)
    first_days: dict[str, date] = {}
    expected, counted = [], Counter[tuple[date, str]]()
    for event in inbox.rows(ASSIGNMENT_EVENTS):
        if first_days.setdefault(event["event_id"], event["local_day"]) != event["local_day"]:
            continue
        was, becomes = event["previous_assignee_name"], event["assignee_name"]
        action = "unassigned" if not becomes else "reassigned" if was else "assigned"
        by = event["assigned_by_name"] if event["source"] == "user" else None
        expected.append((event["event_id"], was, becomes, by, action, "stated"))
        counted[event["local_day"], event["source"]] += 1
    names = ("previous_assignee_name", "assignee_name", "assigned_by_name", "action", "previous_quality")
    assert [(row["event_id"], *(row[name] for name in names)) for row in inbox.log()] == expected
    assert counted == {
        (row["local_day"], row["source"]): row["assignment_count"]
        for row in inbox.rows(DAILY_SOURCE_AGGREGATES)
    }


def test_a_repeated_event_changes_no_assignee(inbox: Inbox) -> None:
    inbox.write(
        "x,2024-03-05T15:00:00Z,c,k,A,user",
        "y,2024-03-06T15:00:00Z,c,k,B,user",
        "x,2024-03-07T15:00:00Z,c,k,A,user",
        "z,2024-03-08T15:00:00Z,c,k,A,user",
        header=UNSTATED,
    )
    inbox.load(*MARCH)
    for day in inbox.period(*MARCH).days:
        inbox.build(day)
    told = [(row["event_id"], row["previous_assignee_name"]) for row in inbox.log()]
    assert told == [("x", None), ("y", "A"), ("z", "B")]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_a_row_that_turns_out_to_be_no_change_takes_no_id(
    inbox: Inbox,
    one_by_one: bool,  # noqa: FBT001 - a parameter
) -> None:
    inbox.write(
        "e1,2024-03-05T15:00:00Z,c,k,Bob,user",
        "e2,2024-03-05T15:00:00Z,c,k,Bob,user",  # no change
        "e2,2024-03-05T15:00:00Z,c,k,Eve,user",
        "e3,2024-03-05T15:00:00Z,c,k,Eve,user",  # no change
        "e3,2024-03-06T15:00:00Z,c,k,Zed,user",
        "e2,2024-03-07T15:00:00Z,c,k,Bob,user",  # its id is taken
        header=UNSTATED,
    )
    inbox.write("e2,2024-03-05T15:00:00Z,c,k,Bob,user", name="overlap.csv", header=UNSTATED)
    loaded = inbox.load(*MARCH)
    assert loaded.total("duplicate_count") == 1  # of the export that overlaps
    for first, last in [(day, day) for day in inbox.period(*MARCH).days] if one_by_one else [MARCH]:
        inbox.build(first, last)
    told = [(row["event_id"], row["previous_assignee_name"], row["assignee_name"]) for row in inbox.log()]
    assert told == [("e1", None, "Bob"), ("e2", "Bob", "Eve"), ("e3", "Eve", "Zed")]
    counts = [(row["no_change_count"], row["repeated_count"]) for row in inbox.rows(LOG_COUNTS)]
    assert counts[4:7] == [(2, 0), (0, 0), (0, 1)]


def test_an_empty_day_has_an_empty_log(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-07T15:00:00Z"))
    inbox.load(DAY)
    inbox.build(DAY)
    assert [row["log_count"] for row in inbox.rows(LOG_COUNTS)] == [0]


def test_later_days_are_built_again_where_an_earlier_event_changed(inbox: Inbox) -> None:
    inbox.write(
        "e1,2024-03-01T15:00:00Z,c1,k1,Bob,user", "e2,2024-03-05T15:00:00Z,c2,k1,Eve,user", header=UNSTATED
    )
    inbox.load(*MARCH)
    inbox.build(*MARCH)
    assert stale_days(inbox.lake) == []
    inbox.write(
        "e1,2024-03-01T15:00:00Z,c1,k1,Ann,user", "e2,2024-03-05T15:00:00Z,c2,k1,Eve,user", header=UNSTATED
    )
    inbox.load(MARCH[0])
    assert stale_days(inbox.lake)[0] == MARCH[0]
    built = build_days(inbox.lake, inbox.period(MARCH[0]))
    assert min(built.log_counts) == MARCH[0]
    assert stale_days(inbox.lake) == []
    assert [row["previous_assignee_name"] for row in inbox.log()] == [None, "Ann"]


def test_a_build_that_was_killed_leaves_days_that_are_not_built(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"))
    inbox.load(*MARCH)
    inbox.build(*MARCH)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("assets.aggregates.build.counts_by_source", die)
        with pytest.raises(KeyboardInterrupt):
            inbox.build(DAY)
    assert stale_days(inbox.lake) == [DAY]
    inbox.build(DAY)
    assert stale_days(inbox.lake) == []
