"""Chains, hand-offs and holdings against a plain count, one row after the other."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assets.report.assignee_balances import count_balances
from assets.report.chains import find_chains, find_hand_offs
from assets.report.encoded_log import encode_log
from assets.report.people_model import AssigneeBalance
from assets.report.steps import group_steps
from assets.warehouse.schema import ASSIGNMENT_LOG, arrow_schema

START = datetime(2024, 3, 5, tzinfo=UTC)
SCHEMA = arrow_schema(ASSIGNMENT_LOG)


def log_of(steps: Sequence[tuple[str | None, str | None, str | None]], minutes: int = 60) -> pa.Table:
    """Return rows (conversation, previous, assignee), each some minutes after the one before."""
    rows = [
        {
            "position": number + 1,
            "event_id": f"e{number}",
            "assignee_of": "contact",
            "occurred_at": START + timedelta(minutes=minutes * number),
            "conversation_id": conversation,
            "contact_id": f"k{conversation}",
            "contact_name": f"Name {conversation}",
            "previous_assignee_name": previous,
            "assignee_name": assignee,
            "source": "user",
            "origin": "o",
            "time_quality": "exact",
            "source_quality": "stated",
            "action": "assigned",
            "previous_quality": "stated",
        }
        for number, (conversation, previous, assignee) in enumerate(steps)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def balances(before: pa.Table, rows: pa.Table) -> tuple[AssigneeBalance, ...]:
    return count_balances(group_steps(before, rows, encode_log(rows, before)))


PEOPLE = st.sampled_from([None, "Ann", "Bob", "Cem"])
STEPS = st.lists(st.tuples(st.sampled_from(["1", "2", "3"]), PEOPLE, PEOPLE), max_size=40)


@given(STEPS, st.integers(1, 5))
def test_returns_are_those_found_row_by_row(steps: list[tuple[Any, Any, Any]], hours: int) -> None:
    found = find_chains(encode_log(log_of(steps)), hours)
    last: dict[str, tuple[int, Any, Any]] = {}
    pairs: Counter[tuple[str, str]] = Counter()
    for number, (conversation, previous, assignee) in enumerate(steps):
        at, was, had = last.get(conversation, (0, None, None))
        if None not in (was, had) and (previous, assignee) == (had, was) and number - at <= hours:
            pairs[was, had] += 1
        last[conversation] = (number, previous, assignee)
    assert found.return_count == sum(pairs.values())
    assert {(each.first, each.second): each.count for each in found.return_pairs} == pairs
    counts = Counter(conversation for conversation, _, assignee in steps if assignee)
    assert found.assigned_count == len(counts)
    assert found.reassigned_count == sum(count > 1 for count in counts.values())
    assert [each.count for each in found.most_assigned] == sorted(
        (count for count in counts.values() if count > 1), reverse=True
    )


def test_a_chain_tells_who_had_the_conversation_in_order() -> None:
    steps = [
        ("1", None, "Ann"),
        ("1", "Ann", "Bob"),
        ("1", "Bob", None),
        ("2", "Bob", "Ann"),
        ("2", "Ann", "Bob"),
    ]
    first, second = find_chains(encode_log(log_of(steps)), 24).most_assigned
    assert (first.conversation_id, first.contact, first.count) == ("1", "Name 1", 2), "to somebody"
    assert first.path == ("Ann", "Bob", None)
    assert second.path == ("Bob", "Ann", "Bob")
    many = find_chains(encode_log(log_of([("1", "Ann", "Bob"), ("1", "Bob", "Ann")] * 10)), 24).most_assigned[
        0
    ]
    assert (many.count, len(many.path), many.is_cut) == (20, 13, True)


@given(STEPS)
def test_the_matrix_adds_up_and_says_who_gave_to_whom(steps: list[tuple[Any, Any, Any]]) -> None:
    found = find_hand_offs(encode_log(log_of(steps)))
    assert sum(map(sum, found.counts)) == len(steps)
    names = [*found.people, "others", None]
    cells = Counter((previous, assignee) for _, previous, assignee in steps)
    for row, counts in zip(names, found.counts, strict=True):
        assert list(counts) == [cells[row, column] for column in names]


def test_people_past_the_tenth_are_one() -> None:
    steps = [("1", f"p{n:02d}", f"p{n:02d}") for n in range(15) for _ in range(20 - n)]
    found = find_hand_offs(encode_log(log_of(steps)))
    assert found.people == tuple(f"p{n:02d}" for n in range(10))
    assert found.counts[10][10] == sum(20 - n for n in range(10, 15))


def test_who_only_assigns_has_no_row_in_the_matrix() -> None:
    rows = log_of([("1", "Ann", "Bob")])
    lead = rows.set_column(
        rows.column_names.index("assigned_by_name"), "assigned_by_name", pa.array(["Lead"], pa.string())
    )
    assert find_hand_offs(encode_log(lead)).people == ("Ann", "Bob")


@given(STEPS, STEPS)
def test_holdings_add_up_and_a_closing_is_the_next_opening(
    early: list[tuple[Any, Any, Any]], late: list[tuple[Any, Any, Any]]
) -> None:
    held: dict[str, Any] = {}

    def after(steps: list[tuple[Any, Any, Any]]) -> Counter[Any]:
        held.update({conversation: assignee for conversation, _, assignee in steps})
        return Counter(each for each in held.values() if each)

    def last_of(steps: list[tuple[Any, Any, Any]]) -> pa.Table:
        last = {conversation: number for number, (conversation, _, _) in enumerate(steps)}
        return log_of(steps).take(pa.array(sorted(last.values()), pa.int64()))

    first = balances(log_of([]), log_of(early))
    assert {each.assignee: each.closing for each in first if each.closing} == after(early)
    second = balances(last_of(early), log_of(late))
    assert {each.assignee: each.opening for each in second if each.opening} == {
        each.assignee: each.closing for each in first if each.closing
    }
    assert {each.assignee: each.closing for each in second if each.closing} == after(late)
    assert all(each.is_balanced for each in (*first, *second))
    received = Counter(assignee for _, _, assignee in late if assignee)
    assert {each.assignee: each.received for each in second if each.received} == received


def test_what_no_event_tells_is_said() -> None:
    lost = log_of([("1", None, "Ann"), ("1", "Bob", "Cem")])  # who moved it from Ann to Bob?
    lines = {each.assignee: each for each in balances(log_of([]), lost)}
    assert (lines["Ann"].received, lines["Ann"].unseen, lines["Ann"].closing) == (1, -1, 0)
    assert (lines["Bob"].released, lines["Bob"].unseen, lines["Bob"].closing) == (1, 1, 0)


def test_a_person_is_called_by_the_name_last_seen() -> None:
    rows = log_of([("1", None, "Ann"), ("2", None, "Anne"), ("3", None, "Ann"), ("4", "Anne", None)])
    for name in ("previous_assignee", "assignee"):
        ids = [None if each is None else "7" for each in rows[f"{name}_name"].to_pylist()]
        at = rows.column_names.index(f"{name}_id")
        rows = rows.set_column(at, f"{name}_id", pa.array(ids, pa.string()))
    assert encode_log(rows).persons.labels == ["Ann"]
    assert encode_log(rows.slice(0, 2)).persons.labels == ["Anne"]
