import gzip
import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import HEADER, Inbox, line

AT = datetime(2024, 3, 5, 15, tzinfo=UTC)


def test_every_format_says_the_same(inbox: Inbox) -> None:
    cells = dict(zip(HEADER.split(","), line("e1", "2024-03-05T15:00:00Z").split(","), strict=True))
    told: list[list[dict[str, object]]] = []
    (inbox.folder / "events").mkdir()

    def keep() -> None:
        inbox.load()
        told.append([row | {"origin": ""} for row in inbox.rows(ASSIGNMENT_EVENTS)])
        for path in (inbox.folder / "events").iterdir():
            path.unlink()

    inbox.write(line("e1", "2024-03-05T15:00:00Z"))
    keep()
    inbox.write(line("e1", "2024-03-05T15:00:00Z").replace(",", ";"), header=HEADER.replace(",", ";"))
    keep()
    inbox.write_bytes(
        gzip.compress(f"{HEADER}\n{line('e1', '2024-03-05T15:00:00Z')}\n".encode()), "events.csv.gz"
    )
    keep()
    inbox.write_bytes(json.dumps(cells).encode(), "events.ndjson")
    keep()
    pq.write_table(
        pa.Table.from_pylist([cells | {"occurred_at": AT}]), inbox.folder / "events" / "events.parquet"
    )
    keep()
    assert len(told[0]) == 1
    assert all(rows == told[0] for rows in told)


def test_the_original_log_is_recognised_by_its_header(inbox: Inbox) -> None:
    inbox.write(
        "2024-03-05 10:00:00,77,12,Ann,-,Bob,Workflow,-",
        "2024-03-05 11:00:00,77,12,Ann,Bob,Unassigned,User,Eve",
        "2024-03-05 12:00:00,77,12,Ann,-,Eve,AI Agent,-",
        header="Timestamp,Conversation ID,Contact ID,Contact Name,Previous Assignee,Assigned To,Source,Assigned By",
    )
    inbox.load()
    rows = inbox.rows(ASSIGNMENT_EVENTS)
    assert [row["occurred_at"].hour for row in rows] == [15, 16, 17]
    assert [row["previous_assignee_name"] for row in rows] == [None, "Bob", None]
    assert [row["assignee_name"] for row in rows] == ["Bob", None, "Eve"]
    assert [row["source"] for row in rows] == ["workflow", "user", "AI Agent"]
    assert {row["time_quality"] for row in rows} == {"imported"}


def test_overlapping_exports_without_ids_count_each_row_once(inbox: Inbox) -> None:
    header = (
        "Timestamp,Conversation ID,Contact ID,Contact Name,Previous Assignee,Assigned To,Source,Assigned By"
    )
    rows = [f"2024-03-05T1{hour}:00:00Z,77,12,Ann,-,Bob{hour},Workflow,-" for hour in range(6)]
    inbox.write(*rows[:4], name="first.csv", header=header)
    inbox.write(*rows[2:], name="second.csv", header=header)
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("duplicate_count")) == (6, 2)


def test_columns_are_mapped_by_the_configuration(inbox: Inbox) -> None:
    inbox.source = {"columns": {"occurred_at": "Created", "assignee": "Agent", "contact_id": "Customer"}}
    inbox.write("2024-03-05T15:00:00Z,Bob,k9", header="Created,Agent,Customer")
    inbox.load()
    (row,) = inbox.rows(ASSIGNMENT_EVENTS)
    assert (row["assignee_name"], row["contact_id"], row["source"]) == ("Bob", "k9", "unknown")
    assert row["event_id"].startswith("row-")
    assert not row["previous_stated"]


def test_times_are_read_in_every_common_way(inbox: Inbox) -> None:
    inbox.source = {"timezone": "Asia/Kolkata"}
    ways = [
        "2024-03-05T15:00:00Z",
        "2024-03-05T15:00:00.000Z",
        "2024-03-05 15:00:00 UTC",
        "2024-03-05T10:00:00-05:00",
        "2024-03-05T20:30:00+0530",
        "2024-03-05 20:30:00",
        "2024-03-05 20:30",
        "2024/03/05 20:30:00",
        "1709650800",
        "1709650800000",
        "1709650800000000",
        "1709650800.000000",
    ]
    inbox.write(*(line(f"e{number}", way, contact_id=f"k{number}") for number, way in enumerate(ways)))
    inbox.load()
    assert inbox.reasons() == []
    assert {row["occurred_at"] for row in inbox.rows(ASSIGNMENT_EVENTS)} == {AT}


def test_a_time_format_of_the_configuration_is_used(inbox: Inbox) -> None:
    inbox.source = {"timezone": "UTC", "time_format": "%d.%m.%Y %H:%M"}
    inbox.write(line("e1", "05.03.2024 15:00"))
    inbox.load()
    assert inbox.rows(ASSIGNMENT_EVENTS)[0]["occurred_at"] == AT


def test_local_times_around_a_clock_change_become_the_right_instants(inbox: Inbox) -> None:
    inbox.source = {"timezone": "America/New_York"}
    walls = ["2024-11-03 00:30:00", "2024-11-03 01:30:00", "2024-11-03 02:30:00"]
    inbox.write(*(line(f"e{number}", wall, contact_id=f"k{number}") for number, wall in enumerate(walls)))
    inbox.load(date(2024, 11, 3))
    assert [row["occurred_at"].isoformat() for row in inbox.rows(ASSIGNMENT_EVENTS)] == [
        "2024-11-03T04:30:00+00:00",
        "2024-11-03T05:30:00+00:00",  # comes twice: the first
        "2024-11-03T07:30:00+00:00",
    ]


def test_a_json_line_that_is_no_object_is_rejected_and_half_surrogates_are_mended(inbox: Inbox) -> None:
    lines = [
        '{"event_id": "e1", "occurred_at": 1709650800, "contact_id": "k", "contact_name": "\\ud800x\\ud83d\\ude00", "assignee": "Bob"}',
        "[1, 2]",
        "not json",
    ]
    inbox.write_bytes("\n".join(lines).encode(), "events.ndjson")
    inbox.load()
    assert [row["contact_name"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["\ufffdx😀"]
    assert inbox.reasons() == ["is no JSON object", "is no JSON object"]


def test_a_json_key_that_is_there_states_its_value(inbox: Inbox) -> None:
    with_key = {"occurred_at": 1709650800, "contact_id": "k", "assignee": "Bob", "previous_assignee": None}
    without = {"occurred_at": 1709650801, "contact_id": "k", "assignee": "Eve"}
    inbox.write_bytes("\n".join(map(json.dumps, (with_key, without))).encode(), "events.ndjson")
    inbox.load()
    assert [row["previous_stated"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == [True, False]


def test_a_file_of_messages_only_has_no_events_and_leaves_the_others_alone(inbox: Inbox) -> None:
    state, odd = {"type": "STATE", "value": {}}, {"type": "", "occurred_at": 1709650800, "assignee": "Bob"}
    inbox.write_bytes(json.dumps(state).encode(), "messages.ndjson")
    inbox.write_bytes(json.dumps(odd | {"contact_id": "k"}).encode(), "events.ndjson")
    loaded = inbox.load()
    assert loaded.stored_events == 1
    assert [str(problem) for problem in loaded.inputs["messages.ndjson"].problems] == []
