"""Each way in which an input can be wrong: what is said, and that the rest is read all the same."""

import codecs
import json
import sqlite3
from pathlib import Path

import pytest

from assets.errors import PermanentError, SourceError
from assets.warehouse.schema import ASSIGNMENT_EVENTS, REJECTED_EVENTS
from tests.conftest import HEADER, Inbox, line

GOOD = line("e1", "2024-03-05T15:00:00Z")
OTHER = line("e2", "2024-03-05T16:00:00Z", contact_id="k2")


def csv_file(*lines: str) -> bytes:
    return "\n".join((HEADER, *lines, "")).encode()


WHOLE_FILES = {
    "missing_column.csv": (
        b"event_id,assignee\n1,Bob\n",
        "missing_column.csv: no column for occurred_at; found event_id, assignee; map one in `columns`",
    ),
    "no_assignee.csv": (
        b"event_id,occurred_at\n1,x\n",
        "no_assignee.csv: no column for assignee; found event_id, occurred_at; map one in `columns`",
    ),
    "empty.csv": (b"", "empty.csv: is empty: it has no header"),
    "empty.ndjson": (b"", "empty.ndjson: is empty"),
    "latin.csv": (
        csv_file(line("x", "2024-03-05T15:00:00Z", contact_name="Zoë Müller")).decode().encode("cp1252"),
        "latin.csv: is not UTF-8; it looks like cp1252: set `encoding: cp1252` of the source",
    ),
    "twice.csv": (
        b"occurred_at,contact_id,assignee,assignee\n2024-03-05T15:00:00Z,k,A,B\n",
        "twice.csv: column 'assignee' occurs twice (assignee_name); rename one, or map one in `columns`",
    ),
    "two_meanings.csv": (
        b"occurred_at,contact_id,Assignee,assignee_name\n2024-03-05T15:00:00Z,k,,B\n",
        "two_meanings.csv: column 'Assignee' and 'assignee_name' mean the same (assignee_name); rename one, or "
        "map one in `columns`",
    ),
    "torn.parquet": (
        b"PAR1 torn",
        "torn.parquet: Parquet magic bytes not found in footer. Either the file is corrupted or this is not "
        "a parquet file",
    ),
    "notes.txt": (
        b"hello",
        "notes.txt: unknown format; expected one of .csv, .tsv, .xlsx, .ndjson, .jsonl, .parquet",
    ),
}


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(inbox: Inbox, name: str) -> None:
    content, reason = WHOLE_FILES[name]
    inbox.write(GOOD, name="good.csv")
    inbox.write_bytes(content, name)
    loaded = inbox.load()
    assert inbox.reasons() == [reason]
    assert [row["row_number"] for row in inbox.rows(REJECTED_EVENTS)] == [0]
    assert (loaded.stored_events, loaded.total("unreadable_count")) == (1, 1)
    assert loaded.is_reconciled


ROWS = {
    "unreadable time": (
        line("x", "yesterday"),
        "occurred_at 'yesterday' is not a valid time; set `time_format` of the source",
    ),
    "impossible time": (
        line("x", "2024-13-41T00:00:00Z"),
        "occurred_at '2024-13-41T00:00:00Z' is not a valid time; set `time_format` of the source",
    ),
    "no time": (line("x", ""), "occurred_at is empty"),
    "time of another calendar": (
        line("x", "2567-03-05T15:00:00Z"),
        "occurred_at '2567-03-05T15:00:00Z' is before 2000 or after 2099",
    ),
    "too few cells": ("x,2024-03-05T15:00:00Z", "2 cells where the header has 9"),
    "too many cells": (GOOD + ",,x", "11 cells where the header has 9"),
    "nobody and nothing": (
        line("x", "2024-03-05T15:00:00Z", conversation_id="", contact_id=""),
        "has neither a conversation_id nor a contact_id",
    ),
    "10 MB cell": (
        line("x", "2024-03-05T15:00:00Z", contact_name="a" * 10_000_000),
        "contact_name has 10,000,000 bytes; the limit is 1,048,576",
    ),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_row_that_is_no_event_is_kept_with_its_reason_and_the_others_go_on(inbox: Inbox, case: str) -> None:
    bad, reason = ROWS[case]
    inbox.write(GOOD, bad, OTHER)
    loaded = inbox.load()
    (rejected,) = inbox.rows(REJECTED_EVENTS)
    assert (rejected["origin"], rejected["row_number"], rejected["reason"]) == ("events.csv", 2, reason)
    assert rejected["raw"]
    assert (loaded.total("read_count"), loaded.stored_events) == (3, 2)
    assert loaded.is_reconciled


def test_a_rejected_row_keeps_its_cells_as_they_were_read(inbox: Inbox) -> None:
    inbox.write(GOOD, line("x", "never", source="AI Agent", contact_name="=1+1"))
    inbox.load()
    raw = json.loads(inbox.rows(REJECTED_EVENTS)[0]["raw"])
    assert (raw["occurred_at"], raw["source"], raw["contact_name"]) == ("never", "AI Agent", "=1+1")


def test_a_half_written_last_line_is_kept_as_it_is(inbox: Inbox) -> None:
    inbox.write_bytes(csv_file(GOOD) + b"e2,2024-03-05T1")
    inbox.load()
    (rejected,) = inbox.rows(REJECTED_EVENTS)
    assert rejected["raw"] == "e2,2024-03-05T1"
    assert rejected["reason"] == "2 cells where the header has 9"


def test_a_damaged_character_rejects_the_row_that_shows_it(inbox: Inbox) -> None:
    good = [line(f"e{n}", "2024-03-05T15:00:00Z", contact_name="Zoë") for n in range(3)]
    bad = line("x", "2024-03-05T15:00:00Z", contact_name="Zoë").encode("latin-1")
    inbox.write_bytes(csv_file(*good) + bad)
    assert inbox.load().stored_events == 3
    assert inbox.reasons() == ["is not UTF-8; save the file as UTF-8"]
    assert "Zo\ufffd" in inbox.rows(REJECTED_EVENTS)[0]["raw"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(inbox: Inbox) -> None:
    inbox.write_bytes(codecs.BOM_UTF8 + csv_file(GOOD))
    inbox.load()
    assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["e1"]


def test_nul_and_control_characters_are_replaced_and_flagged(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z", contact_name="a\x00b\x07\ufffe c"), OTHER)
    inbox.load()
    rows = inbox.rows(ASSIGNMENT_EVENTS)
    assert [row["contact_name"] for row in rows] == ["a\ufffdb\ufffd\ufffd c", "Ann"]
    assert [row["text_cleaned"] for row in rows] == [True, False]


def test_a_line_break_in_a_name_becomes_a_space(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z", contact_name="two\r\nlines"))
    inbox.load()
    assert inbox.rows(ASSIGNMENT_EVENTS)[0]["contact_name"] == "two lines"


def test_an_open_quote_that_swallows_the_rest_is_noticed(inbox: Inbox) -> None:
    inbox.write(GOOD, 'e2,2024-03-05T15:00:00Z,c1,k1,"Ann,,Bob,user,', OTHER)
    loaded = inbox.load()
    assert loaded.total("unreadable_count") == 1
    assert "events.csv: a quote is never closed; its last row holds the rest of the file" in inbox.reasons()


@pytest.mark.parametrize("good", [0, 40])
def test_an_open_quote_that_swallows_more_than_is_read_at_once_is_noticed(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, good: int
) -> None:
    monkeypatch.setattr("assets.sources.files.delimited._BLOCK", 1 << 10)
    inbox.write(*[OTHER] * good, 'e2,2024-03-05T15:00:00Z,c1,k1,"Ann,,Bob,user,', *[OTHER] * 90)
    loaded = inbox.load()
    assert loaded.total("unreadable_count") == 1
    assert inbox.reasons() == ["events.csv: a quote is never closed, or a row has more than 1,024 bytes"]


def test_an_id_that_comes_twice_is_counted_once(inbox: Inbox) -> None:
    inbox.write(GOOD, GOOD, line("e1", "2024-03-05T18:00:00Z", assignee="Eve"), OTHER)
    loaded = inbox.load()
    assert (loaded.total("duplicate_count"), loaded.stored_events) == (2, 2)
    assert [row["assignee_name"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["Bob", "Bob"]


def test_no_file_at_all_is_an_error(inbox: Inbox) -> None:
    with pytest.raises(
        SourceError, match=r"no file matches .*events/\*; correct `path` of the source"
    ) as caught:
        inbox.load()
    assert isinstance(caught.value, PermanentError)


def test_rows_without_a_readable_time_stand_with_the_row_before_them(inbox: Inbox) -> None:
    inbox.write(
        line("e1", "2024-03-05T15:00:00Z"),
        line("e2", "?"),
        line("e3", "2024-03-06T15:00:00Z", contact_id="k2"),
        line("e4", "?"),
    )
    inbox.load(inbox.period().first_day)
    assert [row["row_number"] for row in inbox.rows(REJECTED_EVENTS)] == [2]


def test_messages_name_no_path_of_the_machine(inbox: Inbox, tmp_path: Path) -> None:
    inbox.write(GOOD, name="good.csv")
    for name, (content, _) in WHOLE_FILES.items():
        inbox.write_bytes(content, name)
    inbox.load()
    assert not any(str(tmp_path) in reason for reason in inbox.reasons())


def test_rejected_rows_of_an_input_without_order_are_all_kept(inbox: Inbox) -> None:
    path = inbox.folder / "events.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE events (event_id, occurred_at, contact_id, assignee)")
        database.executemany(
            "INSERT INTO events VALUES (?, '2024-03-05T12:00:00Z', NULL, 'Bob')", [("a",), ("b",)]
        )
    inbox.source = {"type": "sql", "url": f"sqlite:///{path}", "table": "events"}
    inbox.load()
    rows = [(row["row_number"], row["problem"]) for row in inbox.rows(REJECTED_EVENTS)]
    assert rows == [(-2, None), (-1, None), (0, "input_gave_nothing")]


def test_text_that_is_not_utf_8_is_shown_as_such_whatever_holds_it(inbox: Inbox) -> None:
    path = inbox.folder / "events.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE events (event_id, occurred_at, contact_id, assignee)")
        database.execute(
            "INSERT INTO events VALUES ('a', '2024-03-05T12:00:00Z', 'k', CAST(x'5af665' AS TEXT))"
        )
    inbox.source = {"type": "sql", "url": f"sqlite:///{path}", "table": "events"}
    inbox.load()
    (row,) = inbox.rows(ASSIGNMENT_EVENTS)
    assert (row["assignee_name"], row["text_cleaned"]) == ("Z\ufffde", True)


def test_a_file_whose_name_is_no_text_is_named(inbox: Inbox) -> None:
    inbox.write(GOOD, name="good.csv")
    inbox.write(OTHER, name="\udcff.csv")
    assert inbox.load().stored_events == 1
    assert inbox.reasons() == [r"\xff.csv: its name is not UTF-8; rename it"]


def test_a_reason_repeats_only_the_start_of_a_header(inbox: Inbox) -> None:
    inbox.write_bytes(b"x" * 900_000)
    inbox.load()
    (reason,) = inbox.reasons()
    assert reason == f"events.csv: no column for occurred_at; found {'x' * 500}…; map one in `columns`"
