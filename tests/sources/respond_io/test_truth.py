"""The log of a simulated respond.io workspace equals what truly happened, or says where it cannot."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from typing import Any

import pytest

from assets.aggregates.open_intervals import last_rows
from assets.report.assignee_balances import count_balances
from assets.report.encoded_log import encode_log
from assets.report.log_query import log_rows
from assets.report.steps import group_steps
from assets.sources.respond_io.contact_snapshot import Snapshot
from assets.sources.webhooks.inbox import Received, open_inbox, store_events, to_microseconds
from assets.warehouse.schema import ASSIGNMENT_EVENTS, REJECTED_EVENTS
from tests.conftest import LATER, Inbox
from tests.sources.conftest import SnapshotWorkspace
from tests.sources.respond_io.simulator import AGENTS, START, Delivery, Workspace, name_of

DAYS = date(2024, 3, 4), date(2024, 3, 10)
END = START + timedelta(days=Workspace.days)
Steps = dict[str, list[tuple[str | None, str | None]]]


@pytest.fixture
def utc(inbox: Inbox) -> Inbox:
    inbox.zone = "UTC"
    return inbox


def receive(inbox: Inbox, rows: list[Received]) -> None:
    url = f"sqlite:///{inbox.folder}/inbox.sqlite"
    inbox.source = {"type": "respond_io", "inbox": url, "signing_keys": ["k"]} | inbox.source
    store_events(open_inbox(url), rows)


def log(inbox: Inbox) -> list[dict[str, Any]]:
    assert inbox.load(*DAYS).is_reconciled
    inbox.build(*DAYS)
    return inbox.log()


def steps(rows: list[dict[str, Any]]) -> Steps:
    """Return each contact's (previous, new assignee) by name, in order."""
    found: Steps = defaultdict(list)
    for row in rows:
        found[row["contact_id"]].append((row["previous_assignee_name"], row["assignee_name"]))
    return found


def truth(workspace: Workspace) -> Steps:
    found: Steps = defaultdict(list)
    for change in workspace.changes:
        found[str(change.contact)].append((name_of(change.previous), name_of(change.assignee)))
    return found


def is_subsequence(some: list[str | None], whole: list[str | None]) -> bool:
    rest = iter(whole)
    return all(each in rest for each in some)


@pytest.mark.parametrize("seed", range(3))
def test_webhooks_that_arrive_at_once_and_twice_give_the_truth(utc: Inbox, seed: int) -> None:
    workspace = Workspace(seed)
    receive(utc, Delivery(seed, doubled=0.3).deliver(workspace.changes))
    rows = log(utc)
    assert steps(rows) == truth(workspace)
    for row, change in zip(rows, workspace.changes, strict=True):
        assert timedelta() < row["occurred_at"] - change.at < timedelta(seconds=1)
        assert (row["time_quality"], row["source"], row["previous_quality"]) == (
            "received",
            "unknown",
            "inferred",
        )
        assert row["assignee_kind"] == ("ai_agent" if change.assignee == 4 else None)


@pytest.mark.parametrize("seed", range(3))
def test_openings_and_closings_tell_the_conversation_and_its_last_assignment(utc: Inbox, seed: int) -> None:
    workspace = Workspace(seed)
    receive(
        utc, [*Delivery(seed, doubled=0.3).deliver(workspace.changes), *workspace.openings_and_closings()]
    )
    rows = {row["event_id"]: row for row in log(utc)}
    assert len(rows) == len(workspace.changes)
    for name, changes in workspace.conversations().items():
        assert {rows[f"e{change.number}"]["conversation_id"] for change in changes} == {name}
        *others, last = (rows[f"e{change.number}"] for change in changes)
        assert (last["occurred_at"], last["time_quality"]) == (changes[-1].at, "exact")
        assert {row["time_quality"] for row in others} <= {"received"}


@pytest.mark.parametrize("seed", range(3))
def test_late_webhooks_are_every_true_change_and_no_other(utc: Inbox, seed: int) -> None:
    """Their order cannot be known: an event says when it was received, and no more."""
    workspace, latest = Workspace(seed, steps=4), timedelta(days=2)
    receive(utc, Delivery(seed, late=0.3, latest=latest, doubled=0.2).deliver(workspace.changes))
    loaded = utc.load(*DAYS)
    utc.build(*DAYS)
    true_changes = {f"e{change.number}": change for change in workspace.changes}
    events = {row["event_id"]: row for row in utc.rows(ASSIGNMENT_EVENTS)}
    assert loaded.total("accepted_count") == len(events) == len(true_changes)
    for event_id, row in events.items():
        change = true_changes[event_id]
        assert (row["contact_id"], row["assignee_name"]) == (str(change.contact), name_of(change.assignee))
        assert timedelta() < row["occurred_at"] - change.at < latest + timedelta(seconds=1)
        assert row["time_quality"] == "received"
    assert {row["event_id"] for row in utc.log()} <= events.keys()


def pass_days(snapshots: SnapshotWorkspace, workspace: Workspace, delivery: Delivery) -> None:
    """Receive what *delivery* brings, and take a snapshot every five hours."""
    snapshots.inbox.zone = "UTC"
    arrived = delivery.deliver(workspace.changes)
    created_at = (START - timedelta(days=9)).isoformat()
    snapshots.api.more = {contact: {"created_at": created_at} for contact in range(1, workspace.contacts + 1)}
    for before, now in pairwise(START + timedelta(hours=hours) for hours in range(0, 24 * 3 + 6, 5)):
        span = range(to_microseconds(before), to_microseconds(now))
        receive(snapshots.inbox, [row for row in arrived if row["received_at"] in span])
        snapshots.api.assignees = workspace.contact_list(now)
        snapshots.snapshot(now)


def test_merges_and_unmerges_are_no_assignments(snapshots: SnapshotWorkspace) -> None:
    workspace = Workspace(1, steps=5, merged=15)
    pass_days(snapshots, workspace, Delivery(1, doubled=0.2))
    assert steps(log(snapshots.inbox)) == truth(workspace)
    returned = [
        row for row in snapshots.inbox.rows(REJECTED_EVENTS) if "as after an unmerge" in row["reason"]
    ]
    assert {json.loads(row["raw"])["contact"]["id"] for row in returned} <= set(range(1, 16))
    assert len(returned) == len(snapshots.inbox.rows(REJECTED_EVENTS)) > 5


@pytest.mark.parametrize("seed", range(3))
def test_snapshots_find_who_has_a_contact_whatever_was_lost(snapshots: SnapshotWorkspace, seed: int) -> None:
    workspace = Workspace(seed, steps=5)
    pass_days(snapshots, workspace, Delivery(seed, lost=0.4, doubled=0.2))
    rows = log(snapshots.inbox)
    true_steps, told = truth(workspace), steps(rows)
    holders = {contact: name_of(agent) for contact, agent in workspace.assignees(END).items()}
    for contact, found in told.items():
        assert is_subsequence([new for _, new in found], [new for _, new in true_steps[contact]])
        assert found[-1][1] == holders[int(contact)]
    for row in rows:
        if row["time_quality"] == "bounded":
            since = datetime.fromisoformat(row["origin"].rpartition("changed after ")[2])
            assert any(
                change.contact == int(row["contact_id"]) and since <= change.at <= row["occurred_at"]
                for change in workspace.changes
            )


@pytest.mark.parametrize("seed", range(2))
def test_late_webhooks_beside_snapshots_keep_every_change_and_the_holder(
    snapshots: SnapshotWorkspace, seed: int
) -> None:
    """What is more than the truth is what snapshots found: webhooks have no time by which to take it back."""
    workspace = Workspace(seed, days=1, steps=5)
    pass_days(snapshots, workspace, Delivery(seed, late=0.3, latest=timedelta(days=2), doubled=0.2))
    told = steps(log(snapshots.inbox))
    events = snapshots.inbox.rows(ASSIGNMENT_EVENTS)
    found = [row for row in events if row["time_quality"] == "bounded"]
    assert found
    assert {
        row["event_id"]: (row["contact_id"], row["assignee_name"]) for row in events if row not in found
    } == {
        f"e{change.number}": (str(change.contact), name_of(change.assignee)) for change in workspace.changes
    }
    holders = {str(contact): name_of(agent) for contact, agent in workspace.assignees(END).items()}
    assert {contact: some[-1][1] for contact, some in told.items()} == {each: holders[each] for each in told}
    assert told.keys() == {str(change.contact) for change in workspace.changes}


def test_the_printed_log_gives_the_truth_with_its_sources(utc: Inbox) -> None:
    workspace = Workspace(1)
    utc.write_bytes("\n".join(workspace.printed_log()).encode(), "log.csv")
    rows = log(utc)
    assert steps(rows) == truth(workspace)
    assert [row["occurred_at"] for row in rows] == [change.at for change in workspace.changes]
    codes = {"User": "user", "Workflow": "workflow", "Developer API": "developer_api", "Zapier": "zapier"}
    assert [row["source"] for row in rows] == [codes[change.source] for change in workspace.changes]
    assert {(row["previous_quality"], row["time_quality"]) for row in rows} == {("stated", "imported")}


def test_an_unmerged_contact_was_not_assigned_when_it_came_back(snapshots: SnapshotWorkspace) -> None:
    """Merging takes a contact out of the list and unmerging brings it back: neither is an assignment."""
    noon = datetime(2024, 3, 5, 12, tzinfo=UTC)
    snapshots.api.assignees = {1: AGENTS[1], 2: AGENTS[2]}
    snapshots.api.more = {
        2: {"created_at": 1_700_000_000},
        3: {"created_at": (noon + timedelta(hours=2)).isoformat()},
    }
    assert snapshots.snapshot(noon) == Snapshot(2, None)
    del snapshots.api.assignees[2]
    assert snapshots.snapshot(noon + timedelta(hours=1)) == Snapshot(1, 0)
    snapshots.api.assignees |= {2: AGENTS[2], 3: AGENTS[3]}  # 3 is truly new
    assert snapshots.snapshot(noon + timedelta(hours=3)) == Snapshot(3, 2)
    assert snapshots.events() == [("3", "Cem", "bounded")]
    assert snapshots.inbox.reasons() == [
        "was not in the list before although it is older, as after an unmerge; nobody tells when it was assigned"
    ]
    assert snapshots.snapshot(noon + timedelta(hours=4)) == Snapshot(3, 0)


def test_a_contact_that_is_not_understood_is_counted_and_stays_as_it_was(
    snapshots: SnapshotWorkspace,
) -> None:
    noon = datetime(2024, 3, 5, 12, tzinfo=UTC)
    snapshots.api.assignees = {1: AGENTS[1], 2: AGENTS[2], 3: None}
    snapshots.snapshot(noon)
    snapshots.api.assignees = {1: "Bob", 2: {"role": "agent"}, 3: ["Eve"]}
    snapshots.api.more = {3: {"id": {"nested": 3}}}
    assert snapshots.snapshot(noon + timedelta(hours=1)) == Snapshot(3, 0, not_understood=3)
    snapshots.api.assignees, snapshots.api.more = {1: AGENTS[1], 2: AGENTS[3], 3: None}, {}
    assert snapshots.snapshot(noon + timedelta(hours=2)) == Snapshot(3, 1)
    assert snapshots.events() == [("2", "Cem", "bounded")]


def test_an_ai_agent_is_kept_apart_from_people(utc: Inbox) -> None:
    workspace = Workspace(2)
    receive(utc, Delivery(2).deliver(workspace.changes))
    log(utc)
    period = utc.period(*DAYS)
    rows = utc.lake.query(log_rows(period, LATER))
    kinds = {
        each.assignee: each.kind
        for each in count_balances(
            group_steps(utc.lake.query(last_rows(period.first_day)), rows, encode_log(rows))
        )
    }
    assert kinds == {"Bob": None, "Eve Hall": None, "Cem": None, "Aria": "ai_agent"}


ODD: tuple[Any, ...] = (None, {}, [], "text", 5, 1.5, True, {"id": {}}, {"id": [1]}, [{}], "", {"unknown": 1})
PATHS = (
    ("contact",), ("contact", "id"), ("contact", "firstName"), ("contact", "assignee"), ("contact", "assignee", "id"),
    ("contact", "assignee", "firstName"), ("contact", "assignee", "email"), ("contact", "assignee", "type"),
    ("assignee",), ("oldAssignee",), ("source",), ("assignedBy",), ("assignedBy", "id"), ("event_type",),
)  # fmt: skip


CONVERSATION_PATHS = (
    ("contact",), ("contact", "id"), ("conversation",), ("conversation", "id"), ("conversation", "openedTime"),
    ("conversation", "conversationOpenedAt"), ("conversation", "lastAssignmentTime"), ("conversation", "closedTime"),
)  # fmt: skip
ODD_TIMES = (*("290309-12-22 (BC) 00:00:00Z", "294246-12-31T00:00:00Z", "-infinityZ"), 10**17 - 1, 1e300)
NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)


def webhooks_of(kind: str, parts: dict[str, Any], odd: Iterable[tuple[Sequence[str], Any]]) -> list[Received]:
    """Return a webhook for each of *odd*: its contact has a number of its own, and the field at the path the value."""
    rows = []
    for number, (path, value) in enumerate(odd):
        contact = {"id": number + 1000, "firstName": "Ann", "assignee": AGENTS[2]}
        event = place = json.loads(json.dumps({"contact": contact} | parts))
        for key in path[:-1]:
            place = place.setdefault(key, {})
        if path:
            place[path[-1]] = value
        rows.append(
            Received(
                workspace="acme", event_id=f"{kind}-{number}", received_at=to_microseconds(NOON + timedelta(seconds=number)),
                kind=kind, contact_id=None, body=json.dumps(event),
            )
        )  # fmt: skip
    return rows


@pytest.mark.parametrize("kind", ["conversation.opened", "conversation.closed"])
def test_every_field_around_a_conversation_may_be_anything(utc: Inbox, kind: str) -> None:
    """What is not understood is read as missing: the assignment stays, at the time at which it was received."""
    odd = [*product(CONVERSATION_PATHS, ODD + ODD_TIMES)]
    last = NOON - timedelta(seconds=1)
    conversation = {"id": "v", "openedTime": "2024-03-05T11:00:00Z", "lastAssignmentTime": last.isoformat()}
    assignments = webhooks_of("contact.assignee.updated", {}, [((), None)] * len(odd))
    receive(utc, [*webhooks_of(kind, {"conversation": conversation}, odd), *assignments])
    assert utc.load(*DAYS).is_reconciled
    accepted = {row["event_id"]: row for row in utc.rows(ASSIGNMENT_EVENTS)}
    assert accepted.keys() == {row["event_id"] for row in assignments}
    for number, row in enumerate(assignments):
        when = {"exact": last, "received": NOON + timedelta(seconds=number)}
        found = accepted[row["event_id"]]
        assert found["occurred_at"] == when[found["time_quality"]]
    assert {row["time_quality"] for row in accepted.values()} == {"exact", "received"}


def test_every_field_may_be_anything(utc: Inbox) -> None:
    """What is not understood is rejected with its text; no other row is lost, and nobody is made up."""
    rows = webhooks_of("contact.assignee.updated", {}, product(PATHS, ODD))
    receive(utc, rows)
    loaded = utc.load(*DAYS)
    assert loaded.is_reconciled
    accepted, rejected = utc.rows(ASSIGNMENT_EVENTS), utc.rows(REJECTED_EVENTS)
    assert len(accepted) + len(rejected) == len(rows) == loaded.placed_count
    names = {(row["assignee_id"], row["assignee_name"]) for row in accepted}
    assert names <= {
        (None, None), ("2", "Eve Hall"), ("5", "Eve Hall"), ("1.5", "Eve Hall"), ("text", "Eve Hall"),
        (None, "Eve Hall"), ("2", "text Hall"), ("2", "5 Hall"), ("2", "1.5 Hall"), ("2", "Hall"),
    }  # fmt: skip
    by_reason = defaultdict(list)
    for row in rejected:
        by_reason[row["reason"].partition(":")[0]].append(json.loads(row["raw"]))
    assert by_reason.keys() == {
        "its assignee is not understood", "has neither a conversation_id nor a contact_id", "tells no assignee",
    }  # fmt: skip
