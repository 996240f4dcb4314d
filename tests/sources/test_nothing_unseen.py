"""Input that once passed unseen: every row is counted, or the report says that something is missing."""

import json
import sqlite3
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from assets.errors import PermanentError, SourceError
from assets.extract.day_buffers import DayBuffers
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS
from tests.conftest import HEADER, Inbox, line
from tests.servers.postgres import Postgres

INSIDE = ["2024-03-05T15:00:00Z", "2024/03/05 15:00:00Z", "2024-3-5 15:00:00Z", "1709650800", "1709650800000"]


def test_an_input_without_any_readable_time_is_noted_on_every_day(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05 15:00:00"), line("e2", "2024-03-06 15:00:00"))
    inbox.load(date(2024, 3, 4), date(2024, 3, 6))
    assert [row["unreadable_count"] for row in inbox.rows(LOAD_COUNTS)] == [1, 1, 1]
    assert set(inbox.reasons()) == {
        "events.csv: times have no zone: set `timezone` of the source (2 rows; row 1: occurred_at "
        "'2024-03-05 15:00:00' has no zone; set `timezone` of the source)"
    }


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.date32(), pa.null()])
def test_typed_times_that_are_no_instants_are_noted(inbox: Inbox, kind: pa.DataType) -> None:
    (inbox.folder / "events").mkdir()
    times = pa.array([None if kind == pa.null() else datetime(2024, 3, 5, 15)], kind)  # noqa: DTZ001
    table = pa.table({"occurred_at": times, "contact_id": ["k"], "assignee": ["Bob"]})
    pq.write_table(table, inbox.folder / "events" / "events.parquet")
    assert inbox.load().total("unreadable_count") == 1


def table_of(inbox: Inbox, times: list[object]) -> str:
    path = inbox.folder / "events.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (event_id, occurred_at, contact_id, assignee)")
        rows = [(f"e{number}", time, number, "Bob") for number, time in enumerate(times)]
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{path}"


def test_a_database_keeps_no_time_back_however_it_is_written(inbox: Inbox) -> None:
    times: list[object] = [*INSIDE, 1709650800, 1709650800000.0, "2024-03-06T15:00:00Z"]
    inbox.source = {"type": "sql", "url": table_of(inbox, times), "table": "events"}
    assert inbox.load().stored_events == len(INSIDE) + 2


def test_rows_of_a_database_without_a_readable_time_are_noted(inbox: Inbox) -> None:
    url = table_of(inbox, [None, "2024-03-05 25:00:00Z", "soon", *INSIDE[:1]])
    inbox.source = {"type": "sql", "url": url, "table": "events"}
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("unreadable_count")) == (1, 1)
    assert "events: 3 rows without a readable time" in inbox.reasons()[0]


def test_a_time_format_reads_a_databases_text_times(inbox: Inbox) -> None:
    url = table_of(inbox, ["05.03.2024 15:00", "06.03.2024 15:00"])
    inbox.source = {
        "type": "sql",
        "url": url,
        "table": "events",
        "timezone": "UTC",
        "time_format": "%d.%m.%Y %H:%M",
    }
    assert inbox.load().stored_events == 1


@pytest.mark.parametrize("kind", ["text", "numeric"])
def test_postgresql_keeps_no_time_back_either(inbox: Inbox, postgres: Postgres, kind: str) -> None:
    times = INSIDE if kind == "text" else INSIDE[-2:]
    values = ", ".join(f"('e{n}', '{time}', {n}, 'Bob')" for n, time in enumerate(times))
    postgres.run(
        f'CREATE TABLE "Odd {kind}" (event_id text, occurred_at {kind}, contact_id int, assignee text); '
        f'INSERT INTO "Odd {kind}" VALUES {values}'
    )
    inbox.source = {"type": "sql", "url": postgres.url(), "table": f"Odd {kind}"}
    assert inbox.load().stored_events == len(times)


def test_a_query_may_hold_colons_and_end_in_a_comment(inbox: Inbox, postgres: Postgres) -> None:
    query = (
        "SELECT 'e1' AS event_id, CAST(:start AS timestamptz) AS occurred_at, 'k' AS contact_id, ' :x' AS assignee "
        "WHERE now() > :start OR now() < :end -- all of it"
    )
    inbox.source = {"type": "sql", "url": postgres.url(), "query": query}
    inbox.load()
    assert [row["assignee_name"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == [":x"]


def test_a_driver_that_is_not_there_is_said(inbox: Inbox) -> None:
    inbox.source = {"type": "sql", "url": "mssql+pymssql://u:p@127.0.0.1/d", "table": "t"}
    with pytest.raises(SourceError, match="No module named 'pymssql'; install the driver of `url`") as caught:
        inbox.load()
    assert isinstance(caught.value, PermanentError)


def test_a_port_that_is_no_number_is_said_before_anything_is_read(inbox: Inbox) -> None:
    inbox.source = {"type": "sql", "url": "postgresql://u:p@h:port/d", "table": "t"}
    with pytest.raises(ValidationError, match="must have a number as its port"):
        inbox.load()


def test_a_missing_table_is_no_missing_server_whatever_its_name(inbox: Inbox, postgres: Postgres) -> None:
    inbox.source = {"type": "sql", "url": postgres.url(), "table": "connections"}
    with pytest.raises(SourceError, match='relation "connections" does not exist') as caught:
        inbox.load()
    assert isinstance(caught.value, PermanentError)


def test_an_open_quote_in_a_column_that_is_not_mapped_is_noticed(inbox: Inbox) -> None:
    lines = [line(f"e{n}", "2024-03-05T15:00:00Z", contact_id=f"k{n}") for n in range(8)]
    inbox.write(
        *(row + (',"note' if n == 2 else ",note") for n, row in enumerate(lines)), header=f"{HEADER},note"
    )
    assert inbox.load().total("unreadable_count") == 1


def test_a_line_cut_inside_a_character_costs_no_other_row(inbox: Inbox) -> None:
    lines = [line(f"e{n}", "2024-03-05T15:00:00Z", contact_id=f"k{n}") for n in range(5)]
    inbox.write_bytes("\n".join((HEADER, *lines, "e9,2024-03-05T15:00:00Z,Zoë")).encode()[:-1])
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("rejected_count")) == (5, 1)


def test_json_lines_without_an_assignee_or_with_a_nested_one_are_rejected(inbox: Inbox) -> None:
    plain = {"occurred_at": 1709650800, "contact_id": 1}
    lines = [plain | {"assignee": "Bob"}, plain, plain | {"assignee": {"id": 1}}]
    inbox.write_bytes("\n".join(map(json.dumps, lines)).encode(), "events.ndjson")
    assert inbox.load().stored_events == 1
    assert inbox.reasons() == [
        "has no assignee; map its key in `columns`",
        "has an object or a list where text is due; write it flat",
    ]


def test_odd_parquet_types_cost_no_other_file_and_change_no_id(inbox: Inbox) -> None:
    inbox.write(line("e1", "2024-03-05T15:00:00Z"), name="good.csv")
    at = pa.array([datetime(2024, 3, 5, 15, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC"))
    good = pa.table(
        {
            "occurred_at": at,
            "contact_id": pa.array([12345678901.0, None]),
            "conversation_id": pa.array([1, 2]),
            "assignee": pa.array(["A", "B"]).dictionary_encode(),
        }
    )
    pq.write_table(good, inbox.folder / "events" / "floats.parquet")
    pq.write_table(
        good.set_column(1, "contact_id", pa.array([[1], [2]])), inbox.folder / "events" / "lists.parquet"
    )
    loaded = inbox.load()
    assert (loaded.stored_events, loaded.total("unreadable_count")) == (3, 1)
    assert "12345678901" in [row["contact_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)]


def test_a_glob_may_have_its_star_anywhere(inbox: Inbox) -> None:
    inbox.source = {"path": str(inbox.folder / "*" / "events.csv")}
    inbox.write(line("e1", "2024-03-05T15:00:00Z"))
    inbox.load()
    assert inbox.rows(ASSIGNMENT_EVENTS)[0]["origin"] == "events/events.csv"


@pytest.mark.parametrize("content", [HEADER, f"{HEADER}\n", f"\n\n{HEADER}\n"])
def test_a_header_alone_is_an_empty_file_and_no_fault(inbox: Inbox, content: str) -> None:
    inbox.write_bytes(content.encode())
    loaded = inbox.load()
    assert (loaded.placed_count, loaded.total("unreadable_count")) == (0, 0)


def test_the_check_sees_rows_that_staging_loses(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(buckets: DayBuffers, day: date, rows: pa.RecordBatch) -> None:
        keep(buckets, day, rows.slice(5))

    keep = DayBuffers.add
    monkeypatch.setattr(DayBuffers, "add", add)
    inbox.write(*(line(f"e{n}", "2024-03-05T15:00:00Z", contact_id=f"k{n}") for n in range(10)))
    loaded = inbox.load()
    assert (loaded.placed_count, loaded.stored_events, loaded.is_reconciled) == (10, 5, False)
