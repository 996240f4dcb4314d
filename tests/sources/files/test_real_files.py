"""What files of people and programs are really like: each is read rightly, or said not to be."""

import codecs
import gzip
import json
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from openpyxl import Workbook

from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import HEADER, Inbox, line

LOG = "Timestamp,Conversation ID,Contact ID,Contact Name,Previous Assignee,Assigned To,Source,Assigned By"
THREE = [line(f"e{n}", f"2024-03-05T1{n}:00:00Z", contact_id=f"k{n}", contact_name="Zoë") for n in range(3)]


DIALECTS = {
    "CR alone": "\r".join((HEADER, *THREE, "")),
    "CR LF": "\r\n".join((HEADER, *THREE, "")),
    "no end of the last line": "\n".join((HEADER, *THREE)),
    "Excel's hint": "sep=;\r\n" + "\r\n".join(row.replace(",", ";") for row in (HEADER, *THREE)),
    "a delimiter at the end of each row": "\n".join((HEADER, *(f"{row}," for row in THREE), "")),
    "a delimiter at the end of the header": "\n".join((f"{HEADER},", *THREE, "")),
    "a delimiter at the end of some rows": "\n".join((HEADER, THREE[0], f"{THREE[1]},", THREE[2], "")),
    "a line break in the header": "\n".join((HEADER.replace("source", '"sou\nrce"'), *THREE, "")),
    "blank rows at the end": "\n".join((HEADER, *THREE, *["," * 8] * 3, "")),
    "blank lines before": "\n\n" + "\n".join((HEADER, *THREE, "")),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_however_its_lines_are_written(inbox: Inbox, dialect: str, encoding: str) -> None:
    inbox.write_bytes(DIALECTS[dialect].encode(encoding))
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("read_count"), loaded.total("unreadable_count")) == (3, 3, 0)
    assert {row["contact_name"] for row in inbox.rows(ASSIGNMENT_EVENTS)} == {"Zoë"}


def test_an_encoding_is_read_where_it_is_named_and_guessed_where_it_is_not(inbox: Inbox) -> None:
    inbox.write_bytes("\n".join((HEADER, *THREE)).encode("cp1251", "replace").replace(b"?", b"\xfe"))
    inbox.load()
    assert "is not UTF-8; it looks like " in inbox.reasons()[0]
    inbox.source = {"encoding": "latin-1"}
    inbox.write_bytes("\n".join((HEADER, *THREE)).encode("latin-1"))
    assert inbox.load().stored_events == 3
    assert {row["contact_name"] for row in inbox.rows(ASSIGNMENT_EVENTS)} == {"Zoë"}


@pytest.mark.parametrize("between", [0, 1, 30])
def test_stray_quotes_that_swallow_rows_are_told(inbox: Inbox, between: int) -> None:
    stray = [line(f"x{n}", f"2024-03-05T1{n}:00:00Z").replace(",Ann,", ',"Ann,') for n in (1, 2)]
    rows = [line(f"e{n}", "2024-03-05T11:30:00Z", contact_id=f"k{n}") for n in range(between)]
    inbox.write(THREE[0], stray[0], *rows, stray[1], *THREE[1:])
    loaded = inbox.load()
    assert loaded.total("unreadable_count") == 1
    assert f"a stray quote makes {between + 1:,} rows a part of the cell before them" in inbox.reasons()[-1]


def test_cells_of_several_lines_are_no_swallowed_rows(inbox: Inbox) -> None:
    note = '"Ann said:\nhello, and then, on 2024-03-05,\nshe left"'
    inbox.write(*(f"{row},{note}" for row in THREE), header=f"{HEADER},note")
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("unreadable_count")) == (3, 0)


def test_quotes_after_a_space_are_no_part_of_a_name(inbox: Inbox) -> None:
    inbox.write(
        'e1, 2024-03-05T10:00:00Z, k1, "Ann ""A"" Lee", Bob',
        'e2, 2024-03-05T11:00:00Z, k2, "Lee, Ann", Bob',
        header="event_id, occurred_at, contact_id, contact_name, assignee",
    )
    inbox.load()
    assert [row["contact_name"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ['Ann "A" Lee']
    assert inbox.reasons() == ["6 cells where the header has 5"]


def test_hidden_files_are_no_input_and_what_only_looks_like_a_file_is_told(inbox: Inbox) -> None:
    inbox.write(*THREE)
    folder = inbox.folder / "events"
    (folder / "._events.csv").write_bytes(b"\0\5\x16\7")
    (folder / "gone.csv").symlink_to(folder / "nowhere.csv")
    (folder / "parts.csv").mkdir()
    (folder / "notes").mkdir()
    os.mkfifo(folder / "pipe.csv")
    assert inbox.load().stored_events == 3
    assert sorted(inbox.reasons()) == [
        "gone.csv: is a link to a missing file",
        "parts.csv: is a folder; name its files in `path`",
        "pipe.csv: is not a regular file",
    ]


def test_what_would_take_all_memory_is_refused_at_a_limit(inbox: Inbox) -> None:
    inbox.write(*THREE, name="good.csv")
    inbox.write_bytes(HEADER.encode() + b"\n" + b"x" * (40 << 20), "line.csv")
    inbox.write_bytes(gzip.compress(b"a,b\n" * (30 << 20), 1), "bomb.csv.gz")
    assert inbox.load().stored_events == 3
    assert sorted(inbox.reasons()) == [
        "bomb.csv.gz: unpacks to more than 200 times its size; decompress it yourself if so intended",
        "line.csv: has a line of more than 32 MiB; is it a text file of rows?",
    ]


WRAPPED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Singer": lambda row: {"type": "RECORD", "stream": "events", "record": row},
    "Airbyte's source": lambda row: {
        "type": "RECORD",
        "record": {"stream": "events", "data": row, "emitted_at": 1},
    },
    "Airbyte's destination": lambda row: {
        "_airbyte_raw_id": "a",
        "_airbyte_extracted_at": 1,
        "_airbyte_data": row,
    },
    "its data as text": lambda row: {"_airbyte_ab_id": "a", "_airbyte_data": json.dumps(row)},
}


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_wrapped_json_is_unwrapped_and_messages_are_no_rows(inbox: Inbox, wrapping: str) -> None:
    row = {"event_id": 1, "occurred_at": "2024-03-05T15:00:00Z", "contact_id": 7, "assignee": "Bob"}
    messages = [{"type": "SCHEMA", "stream": "events", "schema": {}}, {"type": "STATE", "value": {}}]
    lines = [messages[0], WRAPPED[wrapping](row), messages[1]]
    inbox.write_bytes("\n".join(map(json.dumps, lines)).encode(), "events.jsonl")
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("read_count"), inbox.reasons()) == (1, 1, [])


@pytest.mark.parametrize("layout", ["zendesk_audits", "intercom_conversations", "zammad_histories"])
def test_lines_of_another_system_are_rejected_and_the_input_gave_nothing(inbox: Inbox, layout: str) -> None:
    inbox.source = {"layout": layout}
    inbox.write_bytes(b'{"id": 1, "created_at": "2024-03-05T15:00:00Z"}\n' * 2, "a.jsonl")
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("unreadable_count")) == (0, 1)
    assert "row 1: is no " in inbox.reasons()[0]


def test_a_first_line_of_megabytes_is_a_line_like_others(inbox: Inbox) -> None:
    inbox.source = {"layout": "zendesk_audits"}
    audits = [
        {
            "id": n,
            "ticket_id": 7,
            "created_at": "2024-03-05T15:00:00Z",
            "via": {"channel": "web"},
            "events": [
                {"id": n, "field_name": "assignee_id", "value": f"{n}"},
                {"body": "x" * (3 << 20) * (n == 1)},
            ],
        }
        for n in (1, 2)
    ]
    inbox.write_bytes("\n".join(map(json.dumps, audits)).encode(), "a.jsonl")
    assert inbox.load().stored_events == 2


def test_a_workbook_is_read_with_its_dates_as_dates(inbox: Inbox) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(LOG.split(","))
    sheet.append([datetime(2024, 3, 5, 10), 77, 12, "Zoë", "-", "Bob", "Workflow", "-"])  # noqa: DTZ001
    sheet.append(["2024-03-05 11:00:00", 77, 12, "Zoë", "Bob", "Unassigned", "User", "Eve"])
    sheet.append([None] * 8)
    book.create_sheet("Other").append(["nothing"])
    (inbox.folder / "events").mkdir()
    book.save(inbox.folder / "events" / "log.xlsx")
    inbox.load()
    assert [(row["occurred_at"].hour, row["conversation_id"]) for row in inbox.rows(ASSIGNMENT_EVENTS)] == [
        (15, "77"),
        (16, "77"),
    ]
    inbox.source = {"sheet": "Third"}
    inbox.load()
    assert inbox.reasons() == ["log.xlsx: has no sheet 'Third'; it has Sheet, Other"]
    inbox.source = {}
    (inbox.folder / "events" / "log.xlsx").write_bytes(codecs.BOM_UTF8 + b"no workbook")
    inbox.load()
    assert "is not a readable XLSX workbook" in inbox.reasons()[0]
