"""Exports of other systems, in the shapes that their documentation shows."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox

DAY = date(2024, 3, 5)

AUDITS: list[dict[str, Any]] = [
    {"id": 1, "ticket_id": 55, "created_at": "2024-03-05T12:00:00Z", "author_id": 11, "via": {"channel": "web"},
     "events": [{"id": 101, "type": "Create", "field_name": "status", "value": "open"},
                {"id": 102, "type": "Create", "field_name": "assignee_id", "value": "11"}]},
    {"id": 2, "ticket_id": 55, "created_at": "2024-03-05T12:10:00Z", "author_id": -1, "via": {"channel": "web"},
     "events": [{"id": 103, "type": "Change", "field_name": "assignee_id", "value": "12", "previous_value": "11",
                 "via": {"channel": "rule", "source": {"from": {"title": "Escalate"}, "rel": "trigger"}}}]},
    {"id": 3, "ticket_id": 55, "created_at": "2024-03-05T12:20:00Z", "author_id": 12, "via": {"channel": "api"},
     "events": [{"id": 104, "type": "Change", "field_name": "assignee_id", "value": None, "previous_value": "12"},
                {"id": 105, "type": "Comment", "body": "assignee_id"}]},
    {"id": 5, "ticket_id": 55, "created_at": "2024-03-05T12:25:00Z", "author_id": -1, "via": {"channel": 8},
     "events": [{"id": 107, "type": "Change", "field_name": "assignee_id", "value": 13, "previous_value": ""}]},
    {"id": 4, "ticket_id": 56, "created_at": "2024-03-05T12:30:00Z", "author_id": 12, "via": {"channel": "web"},
     "events": [{"id": 106, "type": "Create", "field_name": "assignee_id", "value": None}]},
]  # fmt: skip
ZENDESK = [
    ("102", None, "11", "user", "11"),
    ("103", "11", "12", "workflow", None),
    ("104", "12", None, "developer_api", None),
    ("107", None, "13", "workflow", None),
]

CONVERSATION = {
    "type": "conversation", "id": "900", "contacts": {"contacts": [{"id": "c7"}]},
    "conversation_parts": {"conversation_parts": [
        {"id": "p1", "part_type": "assignment", "created_at": 1709640000,
         "assigned_to": {"type": "admin", "id": "21"}, "author": {"type": "admin", "id": "22", "name": "Eve"}},
        {"id": "p2", "part_type": "comment", "created_at": 1709640060, "assigned_to": None, "author": {"type": "user", "id": "c7"}},
        {"id": "p5", "part_type": "comment", "created_at": 1709640090, "body": "yours",
         "assigned_to": {"type": "admin", "id": "24"}, "author": {"type": "admin", "id": "21", "name": "Bob"}},
        {"id": "p3", "part_type": "assign_and_reopen", "created_at": 1709640120,
         "assigned_to": {"type": "team", "id": "5"}, "author": {"type": "bot", "id": "23", "name": "Fin"}},
        {"id": "p4", "part_type": "assignment", "created_at": 1709640180,
         "assigned_to": {"type": "nobody_admin", "id": None}, "author": {"type": "admin", "id": "22", "name": "Eve"}},
    ]},
}  # fmt: skip
INTERCOM = [
    ("p1", None, "21", "user", "22"),
    ("p5", None, "24", "user", "21"),
    ("p3", None, "team-5", "bot", None),
    ("p4", None, None, "user", "22"),
]

HISTORIES = [
    {"id": 1, "o_id": 70, "attribute": "owner", "object": "Ticket", "type": "updated", "id_from": 1, "id_to": 31,
     "value_from": "-", "value_to": "Nora Lund", "created_by_id": 1, "created_at": "2024-03-05T12:00:00.000Z"},
    {"id": 2, "o_id": 70, "attribute": "state", "object": "Ticket", "type": "updated", "id_from": 1, "id_to": 2,
     "value_from": "new", "value_to": "open", "created_by_id": 31, "created_at": "2024-03-05T12:05:00.000Z"},
    {"id": 4, "o_id": 70, "attribute": "owner", "object": "Ticket", "type": "updated", "id_from": 31, "id_to": 32,
     "value_from": "Nora Lund", "value_to": "Tom Becker", "created_by_id": 31, "created_at": "2024-03-05T12:07:00.000Z",
     "sourceable_type": "Trigger", "sourceable_name": "Back to queue"},
    {"id": 3, "o_id": 70, "attribute": "owner", "object": "Ticket", "type": "updated", "id_from": 31, "id_to": 1,
     "value_from": "Nora Lund", "value_to": "-", "created_by_id": 31, "created_at": "2024-03-05T12:10:00.000Z"},
]  # fmt: skip
ZAMMAD = [
    ("1", None, "31", "workflow", None),
    ("4", "31", "32", "workflow", None),
    ("3", "31", None, "user", "31"),
]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def loaded(inbox: Inbox, layout: str, content: bytes) -> list[tuple[Any, ...]]:
    inbox.source = {"layout": layout}
    inbox.write_bytes(content, "export.json")
    assert inbox.load(DAY).is_reconciled
    names = ("event_id", "previous_assignee_id", "assignee_id", "source", "assigned_by_id")
    return [tuple(row[name] for name in names) for row in inbox.rows(ASSIGNMENT_EVENTS)]


@pytest.mark.parametrize(
    ("layout", "content", "expected"),
    [
        ("zendesk_audits", lines(AUDITS), ZENDESK),
        ("zendesk_audits", json.dumps({"audits": AUDITS}, indent=1).encode(), ZENDESK),
        ("intercom_conversations", lines([CONVERSATION]), INTERCOM),
        ("intercom_conversations", json.dumps({"conversations": [CONVERSATION]}).encode(), INTERCOM),
        ("zammad_histories", lines(HISTORIES), ZAMMAD),
        ("zammad_histories", json.dumps({"history": HISTORIES}).encode(), ZAMMAD),
    ],
    ids=[
        "zendesk lines",
        "zendesk document",
        "intercom lines",
        "intercom document",
        "zammad lines",
        "zammad document",
    ],
)
def test_assignments_are_found(inbox: Inbox, layout: str, content: bytes, expected: list[Any]) -> None:
    assert loaded(inbox, layout, content) == expected


TICKET_EVENTS: list[dict[str, Any]] = [
    {"id": 1, "ticket_id": 55, "timestamp": 1709640000, "created_at": "2024-03-05T12:00:00Z", "updater_id": 11,
     "via": "Web form", "event_type": "Audit", "child_events": [
         {"id": 101, "via": "Web form", "via_reference_id": None, "status": "open", "event_type": "Create"},
         {"id": 102, "via": "Web form", "via_reference_id": None, "assignee_id": 11, "event_type": "Create"}]},
    {"id": 2, "ticket_id": 55, "timestamp": 1709640600, "created_at": "2024-03-05T12:10:00Z", "updater_id": -1,
     "via": "Web form", "event_type": "Audit", "child_events": [
         {"id": 103, "via": "Rule", "via_reference_id": 9, "assignee_id": 12, "previous_value": "11", "event_type": "Change"}]},
    {"id": 3, "ticket_id": 55, "timestamp": 1709641200, "created_at": "2024-03-05T12:20:00Z", "updater_id": 12,
     "via": "Web service", "event_type": "Audit", "child_events": [
         {"id": 104, "via": "Web service", "assignee_id": None, "previous_value": "12", "event_type": "Change"},
         {"id": 105, "via": "Web service", "comment_present": True, "event_type": "Comment"}]},
    {"id": 5, "ticket_id": 55, "timestamp": 1709641500, "created_at": "2024-03-05T12:25:00Z", "updater_id": -1,
     "via": "Rule", "event_type": "Audit", "child_events": [
         {"id": 107, "via": "Rule", "assignee_id": 13, "previous_value": None, "event_type": "Change"}]},
]  # fmt: skip
NESTED_HISTORIES = [
    {key: value for key, value in each.items() if key not in {"attribute", "object", "type", "created_by_id"}}
    | {"history_attribute": {"id": 9, "name": each["attribute"]}, "history_object": {"id": 1, "name": each["object"]},
       "history_type": {"id": 2, "name": each["type"]}, "created_by": {"id": each["created_by_id"], "login": "x"}}
    for each in HISTORIES
]  # fmt: skip


def pages(key: str, rows: list[Any]) -> bytes:
    """Return *rows* as pages of an API, one a line."""
    return lines([{key: rows[:2], "next_page": "https://example.com"}, {key: rows[2:], "next_page": None}])


@pytest.mark.parametrize(
    ("layout", "content", "expected"),
    [
        ("zendesk_audits", lines(TICKET_EVENTS), ZENDESK),
        ("zendesk_audits", json.dumps({"ticket_events": TICKET_EVENTS, "end_of_stream": True}).encode(), ZENDESK),
        ("zendesk_audits", pages("ticket_events", TICKET_EVENTS), ZENDESK),
        ("zendesk_audits", pages("audits", AUDITS), ZENDESK),
        ("zendesk_audits", json.dumps(AUDITS).encode(), ZENDESK),
        ("zendesk_audits", lines([{"type": "RECORD", "record": {"stream": "ticket_audits", "data": each}} for each in AUDITS]), ZENDESK),
        ("intercom_conversations", json.dumps(CONVERSATION).encode(), INTERCOM),
        ("intercom_conversations", lines([{"type": "conversation.list", "conversations": [CONVERSATION], "pages": {"type": "pages"}}]), INTERCOM),
        ("intercom_conversations", lines([CONVERSATION | {"conversation_parts": CONVERSATION["conversation_parts"]["conversation_parts"]}]), INTERCOM),  # type: ignore[index]
        ("zammad_histories", lines(NESTED_HISTORIES), ZAMMAD),
        ("zammad_histories", json.dumps({"history": NESTED_HISTORIES, "assets": {}}).encode(), ZAMMAD),
        ("zammad_histories", json.dumps(HISTORIES).encode(), ZAMMAD),
    ],
    ids=[
        "zendesk ticket events", "zendesk ticket events document", "zendesk ticket events pages", "zendesk pages",
        "zendesk list", "zendesk Airbyte protocol", "intercom one conversation", "intercom search page",
        "intercom parts as a list", "zammad objects", "zammad objects document", "zammad list",
    ],
)  # fmt: skip
def test_assignments_are_found_in_each_shape(
    inbox: Inbox, layout: str, content: bytes, expected: list[Any]
) -> None:
    assert loaded(inbox, layout, content) == expected
    assert inbox.reasons() == []


def test_an_intercom_search_without_parts_says_what_to_do(inbox: Inbox) -> None:
    """Lists and searches tell who has a conversation, and not since when."""
    found = {
        "type": "conversation",
        "id": "1",
        "admin_assignee_id": 21,
        "statistics": {"count_assignments": 3},
    }
    assert (
        loaded(
            inbox,
            "intercom_conversations",
            json.dumps({"type": "conversation.list", "conversations": [found]}).encode(),
        )
        == []
    )
    assert all(
        "lists and searches leave out; retrieve each conversation" in reason for reason in inbox.reasons()
    )
    assert inbox.reasons()


def test_an_intercom_conversation_whose_parts_are_cut_off_is_told(inbox: Inbox) -> None:
    """The API gives the last 500 parts."""
    parts = CONVERSATION["conversation_parts"] | {"total_count": 700}  # type: ignore[operator]
    assert (
        loaded(inbox, "intercom_conversations", lines([CONVERSATION | {"conversation_parts": parts}]))
        == INTERCOM
    )
    assert inbox.reasons() == ["has 5 of its 700 parts: assignments in the others are not known"]


def test_users_of_a_page_name_people(inbox: Inbox) -> None:
    page = {
        "history": [HISTORIES[0], HISTORIES[2] | {"value_to": None}],
        "assets": {"User": {"32": {"id": 32, "firstname": "Tom", "lastname": "Becker"}}},
    }
    loaded(inbox, "zammad_histories", lines([page, page]))
    assert [row["assignee_name"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["Nora Lund", "Tom Becker"]


def test_who_is_no_person_is_kept_apart(inbox: Inbox) -> None:
    loaded(inbox, "intercom_conversations", lines([CONVERSATION]))
    assert [row["assignee_kind"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == [
        "person",
        "person",
        "team",
        None,
    ]


def test_parts_may_stand_alone_with_their_conversation(inbox: Inbox) -> None:
    (part, *_) = CONVERSATION["conversation_parts"]["conversation_parts"]  # type: ignore[index]
    assert (
        loaded(inbox, "intercom_conversations", lines([part | {"conversation_id": "900"}] * 2))
        == INTERCOM[:1]
    )
    assert inbox.rows(ASSIGNMENT_EVENTS)[0]["conversation_id"] == "900"


WRAPPERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "Singer": lambda each: {"type": "RECORD", "stream": "s", "record": each, "time_extracted": "2024-03-06T00:00:00Z"},
    "Airbyte": lambda each: {"type": "RECORD", "record": {"stream": "s", "data": each, "emitted_at": 1}},
    "Airbyte's files": lambda each: {"_airbyte_ab_id": "1", "_airbyte_emitted_at": 1, "_airbyte_data": each},
    "Airbyte's tables": lambda each: {"_airbyte_raw_id": "1", "_airbyte_meta": {}, "_airbyte_data": json.dumps(each)},
    "a stream's data": lambda each: {"stream": "s", "data": each, "emitted_at": 1},
}  # fmt: skip


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(
    ("layout", "objects", "expected"),
    [
        ("zendesk_audits", AUDITS, ZENDESK),
        ("intercom_conversations", [CONVERSATION], INTERCOM),
        ("zammad_histories", HISTORIES[:1], ZAMMAD[:1]),  # a single line could be a document
    ],
    ids=["zendesk", "intercom", "zammad"],
)
def test_what_connectors_wrap_is_unwrapped(
    inbox: Inbox, layout: str, objects: list[Any], expected: list[Any], wrapper: str
) -> None:
    assert loaded(inbox, layout, lines([*map(WRAPPERS[wrapper], objects)])) == expected
    assert inbox.reasons() == []


def test_names_come_from_the_users_beside(inbox: Inbox) -> None:
    users = [{"id": 11, "name": "Ann"}, {"id": 12, "name": "Bob"}]
    loaded(inbox, "zendesk_audits", json.dumps({"audits": AUDITS, "users": users}).encode())
    rows = inbox.rows(ASSIGNMENT_EVENTS)
    assert [(row["previous_assignee_name"], row["assignee_name"], row["assigned_by_name"]) for row in rows] == [
        (None, "Ann", "Ann"), ("Ann", "Bob", None), ("Bob", None, None), (None, None, None),
    ]  # fmt: skip


def test_a_line_that_is_no_object_is_kept_and_the_others_are_read(inbox: Inbox) -> None:
    content = lines(AUDITS[:1]) + b"\n{broken\n" + lines(AUDITS[1:])
    assert loaded(inbox, "zendesk_audits", content) == ZENDESK
    assert any("is no JSON object" in reason for reason in inbox.reasons())


def test_another_systems_export_is_told(inbox: Inbox) -> None:
    assert loaded(inbox, "zendesk_audits", json.dumps({"history": HISTORIES}).encode()) == []
    assert inbox.reasons() == [
        "export.json: has none of audits, ticket_audits, ticket_events: is it zendesk_audits?"
    ]


@pytest.mark.parametrize(
    "users", [[{"id": 11, "name": "Ann"}, None], {"11": {"id": 11, "name": "Ann"}}, ["Ann"], "Ann", None]
)
def test_what_is_no_user_beside_an_export_is_passed_over(inbox: Inbox, users: Any) -> None:
    assert (
        loaded(
            inbox,
            "zendesk_audits",
            json.dumps({"audits": AUDITS, "users": users, "assets": {"User": None}}).encode(),
        )
        == ZENDESK
    )
    assert (
        loaded(
            inbox,
            "zammad_histories",
            json.dumps({"history": HISTORIES, "assets": {"User": {"1": None}}}).encode(),
        )
        == ZAMMAD
    )


@pytest.mark.parametrize(
    "odd", [{}, [], True, {"type": "admin"}, {"type": None, "id": None}, {"type": "team", "id": None}]
)
def test_an_assignee_of_intercom_that_is_not_understood_is_rejected(inbox: Inbox, odd: Any) -> None:
    part = {"id": "p1", "part_type": "assignment", "conversation_id": "9", "created_at": 1709640000, "assigned_to": odd,
            "author": {"type": "user", "id": "c1", "name": "Ann"}}  # fmt: skip
    good = part | {"id": "p2", "assigned_to": {"type": "nobody_team", "id": None}, "created_at": 1709640060}
    assert loaded(inbox, "intercom_conversations", lines([part, good])) == [
        ("p2", None, None, "contact", None)
    ]
    assert "its assignee is not understood" in inbox.reasons()


@pytest.mark.parametrize("odd", [{"id": 1}, [11], True])
def test_an_assignee_of_zendesk_that_is_not_understood_is_rejected(inbox: Inbox, odd: Any) -> None:
    changes = [
        {"id": 1, "field_name": "assignee_id", "value": odd},
        {"id": 2, "field_name": "assignee_id", "value": 12, "previous_value": odd},
    ]
    audits = [AUDITS[0] | {"events": changes}]
    assert loaded(inbox, "zendesk_audits", lines(audits)) == []
    assert inbox.reasons().count("its assignee is not understood") == 2


@pytest.mark.parametrize("parts", [None, "none", {}, {"conversation_parts": None}])
def test_a_conversation_whose_parts_are_no_list_is_rejected(inbox: Inbox, parts: Any) -> None:
    assert (
        loaded(
            inbox, "intercom_conversations", lines([CONVERSATION, {"id": "1", "conversation_parts": parts}])
        )
        == INTERCOM
    )
    assert any("retrieve each conversation" in reason for reason in inbox.reasons())


def test_one_audit_as_the_api_gives_it_and_lines_after_a_blank_one(inbox: Inbox) -> None:
    assert loaded(inbox, "zendesk_audits", json.dumps({"audit": AUDITS[0]}).encode()) == ZENDESK[:1]
    assert loaded(inbox, "zendesk_audits", b"\n" + lines(AUDITS)) == ZENDESK
