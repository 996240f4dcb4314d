"""What Chatwoot's tables say of assignments, and each hole of their trail."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from assets.errors import SourceError
from assets.extract.source_probe import try_source
from assets.extract.source_teams import stored_source_teams
from assets.sources.registry import open_source
from assets.warehouse.schema import ASSIGNMENT_EVENTS, REJECTED_EVENTS
from tests.sources.chatwoot.account import DAY, Account


def test_its_sentences_are_assignments(account: Account) -> None:
    account.conversation(
        1, None,
        "Assigned to Bob Stone by Anna",
        "Anna self-assigned this conversation",
        "Assigned to Bobby via support by Automation System",
        "Anna added urgent",
        "Conversation unassigned by Anna",
    )  # fmt: skip
    assert account.told() == [
        ("101", "2", "Bob Stone", "user", "Anna"),
        ("101", "1", "Anna", "user", "Anna"),
        ("101", "2", "Bobby", "automation", None),
        ("101", None, None, "user", "Anna"),
    ]
    assert account.untold() == []
    (first, *_) = account.inbox.rows(ASSIGNMENT_EVENTS)
    assert (first["contact_id"], first["contact_name"], first["time_quality"]) == ("7", "Ann 😀", "exact")


def test_what_people_write_is_no_activity(account: Account) -> None:
    account.conversation(1, None, "Assigned to Bob Stone by Anna", kind=0)
    assert account.told() == []


def test_a_name_that_holds_the_sentences_words_is_told_by_who_is_known(account: Account) -> None:
    account.conversation(1, 3, "Assigned to Stand by Me by Anna")
    account.conversation(2, 1, "Assigned to Anna by Stand by Me")
    assert account.told() == [
        ("101", "3", "Stand by Me", "user", "Anna"),
        ("102", "1", "Anna", "user", "Stand by Me"),
    ]


def test_its_teams_are_loaded_with_its_assignments(account: Account) -> None:
    account.run("INSERT INTO team_members (team_id, user_id) VALUES (1, 1), (2, 3), (2, 1)")
    account.inbox.options["teams_from_source"] = True
    account.inbox.load(DAY)
    assert stored_source_teams(account.inbox.lake) == {"support": ("1",), "sales": ("1", "3")}
    account.run("DELETE FROM team_members WHERE user_id = 1")
    account.inbox.load(DAY)
    assert stored_source_teams(account.inbox.lake) == {"sales": ("3",)}


def test_a_team_is_no_assignee_and_one_of_a_persons_name_is_nobody_can_tell(account: Account) -> None:
    account.conversation(1, None, "Assigned to support by Anna", "Unassigned from support by Anna")
    account.conversation(2, 4, "Assigned to Sales by Anna")
    assert account.told() == []
    assert sorted(account.untold()) == [
        "Chatwoot: none of its 1 row is an event; row 3: can be read in several ways: a team; user 4",
        "can be read in several ways: a team; user 4",
    ]


def test_each_hole_of_its_trail_is_told(account: Account) -> None:
    account.conversation(1, 2)
    account.conversation(2, 1, "Assigned to Bob Stone by Anna", "Assigned to support by Anna")
    account.conversation(3, None, "Assigned to Anna by Bob Stone")
    account.conversation(4, 2, "Anna self-assigned this conversation")
    account.conversation(5, 2, "Assigned to Bob Stone by Anna")
    account.conversation(6, 2, "Conversation unassigned by Anna")
    assert len(account.told()) == 5
    assert sorted(account.untold()) == [
        "has no assignee now, as if one was deleted; no message tells when",
        "its assignee changed with its team; no message tells when",
        "its assignee changed, or had the name in the last message then; no message tells which",
        "its assignee changed; no message tells when",
        "was assigned automatically; no message tells when",
    ]


def test_other_days_and_accounts_are_not_read(account: Account) -> None:
    account.conversation(1, 2, "Assigned to Bob Stone by Anna")
    account.inbox.source |= {"account_id": 2}
    assert account.told() == []
    account.inbox.source |= {"account_id": 3}
    with pytest.raises(SourceError, match="unknown account 3; correct `account_id`"):
        account.told()
    account.inbox.source |= {"account_id": 1}
    account.inbox.load(date(2024, 3, 7))
    assert {row["local_day"] for row in account.inbox.rows(ASSIGNMENT_EVENTS)} <= {DAY}


def test_assignment_policies_are_automation(account: Account) -> None:
    account.run(
        "INSERT INTO users (id, name) VALUES (5, 'Default Policy'); INSERT INTO account_users (account_id, user_id) VALUES (1, 5)"
    )
    account.conversation(
        1, 3,
        "Assigned to Anna by Automation System via Round robin",
        "Assigned to Bob Stone by Default Policy",
        "Assigned to Stand by Me via support by Automation System via By turns by Anna",
    )  # fmt: skip
    assert [row[1:] for row in account.told()] == [
        ("1", "Anna", "automation", None),
        ("2", "Bob Stone", "automation", None),
        ("3", "Stand by Me", "automation", None),
    ]
    assert account.untold() == []


FORMER = (
    "names '{}', whom the account does not have now: a user or a team that was renamed or deleted; "
    "say who it was in `former_names`"
)


def test_who_was_renamed_or_deleted_is_no_new_person(account: Account) -> None:
    """Neither a second person, nor an untold change; the configuration can say who it was."""
    account.conversation(1, 2, "Assigned to Robert by Anna")  # Bob Stone, before he changed his name
    account.conversation(
        2, 1, "Assigned to Anna by Bob Stone", "Assigned to night shift by Anna"
    )  # a deleted team
    account.conversation(3, None, "Gone self-assigned this conversation", "Conversation unassigned by Anna")
    account.conversation(4, 1, "Anna self-assigned this conversation", "Unassigned from night shift by Anna")
    account.conversation(5, 2, "Assigned to Bob Stone via night shift by Anna")
    assert {row[2] for row in account.told()} == {"Anna", "Bob Stone", None}
    assert sorted(account.untold()) == [FORMER.format(each) for each in ("Gone", "Robert", "night shift")]
    account.inbox.source |= {"former_names": {"Robert": 2, "Night shift": "team", "Gone": "user"}}
    assert ("101", "2", "Robert", "user", "Anna") in account.told()
    assert account.untold() == []


def test_who_acted_is_known_by_name_where_no_user_or_several_have_it(account: Account) -> None:
    account.run(
        "INSERT INTO users (id, name) VALUES (5, 'Anna'); INSERT INTO account_users (account_id, user_id) VALUES (1, 5)"
    )
    account.conversation(1, None, "Assigned to Bob Stone by Gone", "Conversation unassigned by Anna")
    account.inbox.load(DAY)
    assert [
        (row["source"], row["assigned_by_id"], row["assigned_by_name"])
        for row in account.inbox.rows(ASSIGNMENT_EVENTS)
    ] == [
        ("user", None, "Gone"),
        ("user", None, "Anna"),
    ]
    assert account.untold() == []


def test_two_of_one_name_are_nobody_can_tell_whom(account: Account) -> None:
    account.run(
        "INSERT INTO users (id, name, display_name) VALUES (5, 'Bob Stone', NULL), (6, 'Eve', 'Anna');"
        "INSERT INTO account_users (account_id, user_id) VALUES (1, 5), (1, 6)"
    )
    account.conversation(1, 5, "Assigned to Bob Stone by Stand by Me")
    account.conversation(2, 1, "Assigned to Anna by Stand by Me")
    account.conversation(3, 6, "Assigned to Eve by Stand by Me")
    assert [row[1] for row in account.told()] == ["6"]
    assert sorted(account.untold()) == [
        "can be read in several ways: user 1; user 6",
        "can be read in several ways: user 2; user 5",
    ]


def test_a_later_user_of_the_name_is_not_meant(account: Account) -> None:
    account.conversation(
        1,
        None,
        "Assigned to Bob Stone by Anna",
        "Assigned to Anna by Bob Stone",
        "Conversation unassigned by Anna",
    )
    account.run("UPDATE users SET created_at = '2024-06-01' WHERE id = 2")
    account.inbox.load(DAY)
    rows = account.inbox.rows(ASSIGNMENT_EVENTS)
    assert [(row["assignee_id"], row["assigned_by_id"], row["assigned_by_name"]) for row in rows] == [
        ("1", None, "Bob Stone"),
        (None, "1", "Anna"),
    ]
    assert account.untold() == ["names a user who was created later: somebody else had that name then"]


def test_a_name_that_another_user_has_now_is_undecidable_where_the_configuration_says_so(
    account: Account,
) -> None:
    """Until then the message is that user's, and the conversation's own assignee is not said to have changed."""
    account.run(
        "UPDATE users SET name = 'Robert Stone' WHERE id = 2; INSERT INTO users (id, name) VALUES (13, 'Bob Stone'); "
        "INSERT INTO account_users (account_id, user_id) VALUES (1, 13)"
    )
    account.conversation(1, 2, "Assigned to Bob Stone by Anna")
    account.conversation(2, 1, "Anna self-assigned this conversation")
    assert [row[1] for row in account.told()] == ["13", "1"]
    assert account.untold() == [
        "its assignee changed, or had the name in the last message then; no message tells which"
    ]
    account.inbox.source |= {"former_names": {"Bob Stone": 2}}
    assert [row[1] for row in account.told()] == ["1"]
    assert account.untold() == ["can be read in several ways: user 13; user 2"]


def test_days_one_by_one_say_what_all_at_once_say(account: Account) -> None:
    """A conversation's earlier messages count, whatever window is asked for."""
    account.conversation(1, 2, "Assigned to Bob Stone by Anna", "Assigned to support by Anna")
    account.conversation(2, 2, "Assigned to Robert by Anna", "Unassigned from support by Anna")
    account.conversation(3, 2, "Assigned to support by Anna", "Unassigned from support by Anna")
    account.conversation(4, 1, "Assigned to Bob Stone by Anna", "Assigned to support by Anna")
    account.run("UPDATE messages SET created_at = created_at + interval '1 day' * (id % 2 + 1)")
    first, last = date(2024, 3, 5), date(2024, 3, 9)

    def stored() -> list[Any]:
        rejected = [row for row in account.inbox.rows(REJECTED_EVENTS) if row["problem"] is None]
        return [*account.inbox.rows(ASSIGNMENT_EVENTS), *rejected]

    account.inbox.load(first, last)
    at_once = stored()
    assert len(at_once) == 5
    for day in range(5, 10):
        account.inbox.load(date(2024, 3, day))
    assert stored() == at_once


def test_a_text_of_many_readings_is_rejected_at_once(account: Account) -> None:
    account.conversation(1, None, "Assigned to" + " by via" * 3_000 + " by Anna")
    assert account.told() == []
    assert account.untold()[-1:] == ["can be read in too many ways"]


def test_a_contacts_name_forges_nothing(account: Account) -> None:
    account.conversation(
        1, None,
        "Conversation was resolved by Bob self-assigned this conversation",
        "Assigned to Bob Stone by Anna accepted the call permission request.",
        "Anna added assigned-to-bob",
        "Anna changed the priority from Assigned to Bob Stone by Anna to high",
        "Conversation was snoozed by Anna",
        "Anna has muted the conversation",
        "Something that a program wrote",
    )  # fmt: skip
    (account.inbox.folder / "en.yml").write_text(
        "en: {conversations: {activity: {status: {contact_left: '%{contact_name}'},"
        " renamed: '%{contact_name} by Anna', team: {none: '%{contact_name} by nobody'}}}}"
    )
    assert account.told() == []
    assert account.untold() == []
    account.inbox.source |= {"locales": str(account.inbox.folder / "*.yml")}
    account.conversation(
        2, None, "Assigned to Bob Stone by Anna"
    )  # as a contact of the name "Assigned to Bob Stone"
    assert account.told() == []
    assert account.untold()[1:] == ["can be read in several ways: something else; user 2"]


def test_a_change_without_a_message_stays_where_it_is(account: Account) -> None:
    """A customer's message moves `updated_at`: the day reads as before, to the byte, and no other day has it."""
    account.conversation(1, 2)
    account.conversation(2, 1, "Assigned to Bob Stone by Anna")
    account.told()
    before = account.inbox.files()
    account.run("UPDATE conversations SET updated_at = '2024-03-07 12:00'")
    account.run(
        "INSERT INTO messages (content, account_id, conversation_id, message_type, created_at) VALUES "
        "('Hello?', 1, 1, 0, '2024-03-07 12:00'), ('Anna added urgent', 1, 2, 2, '2024-03-07 12:00')"
    )
    account.told()
    assert account.inbox.files() == before
    account.inbox.load(date(2024, 3, 6), date(2024, 3, 8))
    assert {row["local_day"] for row in account.inbox.rows(REJECTED_EVENTS)} == {DAY}


def test_merged_contacts_keep_their_conversations_histories(account: Account) -> None:
    account.run("INSERT INTO contacts (id, name, account_id) VALUES (8, 'Ann too', 1)")
    account.conversation(1, None, "Assigned to Bob Stone by Anna")
    account.conversation(2, None, "Assigned to Anna by Bob Stone")
    account.run("UPDATE conversations SET contact_id = 8 WHERE id = 2")
    account.told()
    account.run("UPDATE conversations SET contact_id = 7 WHERE id = 2; DELETE FROM contacts WHERE id = 8")
    account.run(
        "INSERT INTO messages (content, account_id, conversation_id, message_type, created_at) "
        "VALUES ('Assigned to Stand by Me by Anna', 1, 2, 2, '2024-03-06 12:00')"
    )
    account.inbox.load(date(2024, 3, 6))
    account.inbox.build(DAY, date(2024, 3, 6))
    assert [
        (row["conversation_id"], row["previous_assignee_name"], row["assignee_name"])
        for row in account.inbox.log()
    ] == [
        ("101", None, "Bob Stone"),
        ("102", None, "Anna"),
        ("102", "Anna", "Stand by Me"),
    ]


def test_a_message_whose_conversation_is_gone_is_rejected(account: Account) -> None:
    account.conversation(1, 2, "Assigned to Bob Stone by Anna")
    account.run("DELETE FROM conversations")
    assert account.told() == []
    assert "has neither a conversation_id nor a contact_id" in account.untold()


def test_its_servers_clock_is_compared(account: Account) -> None:
    account.conversation(1, 2, "Assigned to Bob Stone by Anna")
    trial = try_source(
        open_source(account.inbox.workspace), account.inbox.workspace, datetime(2024, 4, 1, tzinfo=UTC)
    )
    assert trial.has_wrong_clock
