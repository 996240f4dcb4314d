"""Times that are none, or none of ours: each is rejected with its reason, on every way into the lake."""

import io
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from assets.sources.webhooks.inbox import Received, open_inbox, store_events, to_microseconds
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS, REJECTED_EVENTS
from tests.audit.conftest import Tally
from tests.conftest import Inbox
from tests.servers.postgres import Postgres

FIRST, LAST = date(2024, 3, 5), date(2024, 11, 4)
DAY = timedelta(days=1)
GOOD = "2024-03-05T15:00:00Z"
REJECTED = {
    "is before 2000 or after 2099": (
        *("1999-12-31T23:59:59.999999Z", "2100-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        *("2567-03-05T15:00:00Z", "0001-01-01T00:00:00Z", "946684799", "4102444800", "0024-03-05T15:00:00Z"),
        *("2099-12-31T23:59:59-00:01", "2000-01-01T00:00:00+00:01", "1402-12-15 10:00:00Z"),
    ),
    "is not a valid time; set `time_format` of the source": (
        *("2024-03-05T15:00:00+25:00", "2024-03-05T15:00:00-25:00", "2024-03-05T15:00:00+24:00"),
        *("2024-03-05T15:00:00+14:60", "2024-03-05T15:00:00+99:99", "2024-03-05T15:00:00+2500"),
        *("2024-02-30T15:00:00Z", "2023-02-29T15:00:00Z", "2024-13-01T15:00:00Z", "2024-03-32T15:00:00Z"),
        *("2024-03-05T25:00:00Z", "2024-03-05T15:61:00Z", "2024-03-05T15:00:61Z", "2024-03-05T24:00:01Z"),
        *("2024-03-05", "15:00:00", "05/03/2024 15:00", "March 5, 2024", "yesterday", "now", "today", "epoch"),
        *("2024-03-05T15:00:00ZZ", "2024-03-05T15:00:00 Mars/Olympus", "2024-03-05T15:00:00Z; DROP TABLE x"),
        *("-1", "0", "1e9", "1709650800abc", "99999999999999999999", "१७०९६५०८००", "２０２４-03-05T15:00:00Z"),
        *("2024-03-05T15:00:00+", "2024-03-05T15:00:00+1", "+2024-03-05T15:00:00Z", "2024-03-05T15:00:00Zulu"),
        *("' OR 1=1 --", "<b>2024-03-05T15:00:00Z</b>", "=NOW()", "2024-W10-2T15:00Z"),
    ),
    "does not exist: the clocks were put forward over it": ("2024-03-10 02:00:00", "2024-03-10 02:59:59.999999"),
    "has digits only": ("202403051500", "20240305150000"),
    "is no date": ("0000-00-00 00:00:00", "2024-00-05 15:00:00", "2024-03-00 15:00:00", "infinity", "-inf", "nan"),
}  # fmt: skip
ACCEPTED = {
    "2024-03-05T15:00:00Z": 15,
    "2024-03-05T15:00:00+00:00": 15,
    "2024-03-05T15:00:00-00:00": 15,
    "2024-03-06T05:00:00+14:00": 15,
    "2024-03-05T03:00:00-12:00": 15,
    "2024-03-05 10:00:00": 15,
    "2024-03-05T15:00:00.123456789Z": 15,
    "\u202e2024-03-05T15:00:00": 20,
    "2024-03-06T05:00:00+14": 15,
    "2024-03-06T05:00:00+1400": 15,
    "1709650800": 15,
    "1709650800000": 15,
}
UNORDERED = f"{sum(map(len, REJECTED.values()))} rows without a readable time"
"""What is said of rows without an order: no neighbor tells their day."""
AMBIGUOUS = {"2024-11-03 01:00:00": 5, "2024-11-03 01:59:59": 5}


def csv_file(inbox: Inbox, texts: list[str]) -> None:
    rows = [f'{n},"{text}",k{n},Bob' for n, text in enumerate(texts)]
    inbox.write(*rows, header="event_id,occurred_at,contact_id,assignee")


def json_file(inbox: Inbox, texts: list[str]) -> None:
    rows = [json.dumps(row_of(n, text)) for n, text in enumerate(texts)]
    inbox.write_bytes("\n".join(rows).encode(), "events.ndjson")


def parquet_file(inbox: Inbox, texts: list[str]) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row_of(n, text) for n, text in enumerate(texts)]), buffer)
    inbox.write_bytes(buffer.getvalue(), "events.parquet")


def workbook(inbox: Inbox, texts: list[str]) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for at, cells in enumerate([row_of(0, ""), *(row_of(n, text) for n, text in enumerate(texts))]):
            for column, cell in enumerate(cells.values() if at else cells):
                sheet.write_string(at, column, cell)
    inbox.write_bytes(buffer.getvalue(), "events.xlsx")


def row_of(number: int, text: str) -> dict[str, str]:
    return {"event_id": str(number), "occurred_at": text, "contact_id": f"k{number}", "assignee": "Bob"}


def sqlite_table(inbox: Inbox, texts: list[str]) -> None:
    path = inbox.folder / "events.db"
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE events (event_id TEXT, occurred_at TEXT, contact_id TEXT, assignee TEXT)"
        )
        rows = [tuple(row_of(n, text).values()) for n, text in enumerate(texts)]
        database.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
    query = "SELECT * FROM events WHERE :start = :start AND :end = :end"
    inbox.source |= {"type": "sql", "url": f"sqlite:///{path}", "query": query}


WAYS: dict[str, Callable[[Inbox, list[str]], None]] = {
    "CSV": csv_file,
    "NDJSON": json_file,
    "Parquet": parquet_file,
    "XLSX": workbook,
    "SQL": sqlite_table,
}


def outcomes_of(inbox: Inbox, way: str) -> dict[str, str]:
    """Load every time by one *way*; return what is wrong with each."""
    expected = {text: reason for reason, texts in REJECTED.items() for text in texts}
    texts = [*expected, *ACCEPTED, *AMBIGUOUS]
    inbox.source = {"timezone": "America/New_York"}
    WAYS[way](inbox, [GOOD, *texts])
    inbox.load(FIRST, LAST)
    events = {int(row["event_id"]): row["occurred_at"] for row in inbox.rows(ASSIGNMENT_EVENTS)}
    reasons = [row["reason"] for row in inbox.rows(REJECTED_EVENTS)]
    outcomes = {}
    for number, text in enumerate(texts, start=1):
        hour, name, found = (ACCEPTED | AMBIGUOUS).get(text), f"{way}: {text}", events.get(number)
        if hour is not None:
            outcomes[name] = "" if found and found.hour == hour else f"is {found}"
        elif found:
            outcomes[name] = f"is read as {found}"
        else:
            said = f"occurred_at '{text}' {expected[text]}"
            is_said = any(each.startswith(said) or UNORDERED in each for each in reasons)
            outcomes[name] = "" if is_said else "has another reason"
    counted = sum(row["ambiguous_count"] for row in inbox.rows(LOAD_COUNTS))
    return outcomes | {
        f"{way}: times that come twice": "" if counted == len(AMBIGUOUS) else f"counted {counted}"
    }


def test_a_time_as_text_is_read_or_rejected_with_its_reason(tmp_path: Path, tally: Tally) -> None:
    outcomes: dict[str, str] = {}
    for way in WAYS:
        (folder := tmp_path / way).mkdir()
        outcomes |= outcomes_of(Inbox(folder), way)
    tally("times that are none, in CSV, NDJSON, Parquet, XLSX and SQL", outcomes)


def typed_table(times: list[str], kind: str) -> str:
    values = ", ".join(f"({n}, '{each}'::{kind}, 'k{n}', 'Bob')" for n, each in enumerate(times))
    return (
        f"DROP TABLE IF EXISTS hostile; CREATE TABLE hostile (event_id int, occurred_at {kind}, contact_id text, "
        f"assignee text); INSERT INTO hostile VALUES {values}; GRANT SELECT ON hostile TO reader"
    )


def test_a_typed_time_of_a_database_is_never_read_as_another(
    inbox: Inbox, postgres: Postgres, tally: Tally
) -> None:
    outcomes = {}
    for kind in ("timestamptz", "timestamp"):
        times = ["2024-03-05 15:00:00", "infinity", "-infinity", "0044-03-15 12:00:00 BC", "1999-12-31 00:00:00",
                 "2100-01-02 00:00:00", "294276-12-31 23:59:59", "4713-01-02 00:00:00 BC"]  # fmt: skip
        postgres.run(typed_table(times, kind))
        query = "SELECT * FROM hostile WHERE CAST(:start AS timestamptz) < CAST(:end AS timestamptz)"
        inbox.source = {"type": "sql", "url": postgres.url(), "query": query, "timezone": "UTC"}
        inbox.load(FIRST, LAST)
        found = {row["event_id"]: row["occurred_at"] for row in inbox.rows(ASSIGNMENT_EVENTS)}
        for number, text in enumerate(times):
            is_right = (str(number) in found) == (number == 0)
            outcomes[f"{kind}: {text}"] = "" if is_right else f"is {found.get(str(number))}"
    tally("typed times of PostgreSQL beyond all years", outcomes)


STATED: tuple[Any, ...] = (
    *(
        0,
        -1,
        1,
        946_684_799,
        4_102_444_800,
        4_000_000_001,
        10**18,
        10**400,
        1.5,
        -(10**30),
        True,
        None,
    ),
    *(
        "",
        "abc",
        "2024-03-05T15:00:00+25:00",
        "9999-12-31T23:59:59Z",
        "infinity",
        "1e400",
        "１２３",
        [],
        {},
        [1],
    ),
    *("0000-00-00", "2024-02-30T00:00:00Z", "999999999999999999", "99999999999999999.999999", "NaN", "-0"),
)
CHATWOOT = {"event": "conversation_updated", "id": 7, "meta": {"sender": {"id": 1, "name": "Ann"},
            "assignee": {"id": 4, "name": "Bob"}},
            "changed_attributes": [{"assignee_id": {"previous_value": None, "current_value": 4}}]}  # fmt: skip
RECEIVED_AT = datetime(2024, 3, 5, 15, tzinfo=UTC)


def respond_io(stated: Any) -> list[tuple[str, dict[str, Any]]]:
    contact = {"id": 1, "firstName": "Ann"}
    times = dict.fromkeys(("openedTime", "conversationOpenedAt", "lastAssignmentTime", "closedTime"), stated)
    return [
        ("conversation.opened", {"contact": contact, "conversation": {"id": 9} | times}),
        ("contact.assignee.updated", {"contact": contact | {"assignee": {"id": 4, "firstName": "Bob"}}}),
        ("conversation.closed", {"contact": contact, "conversation": {"id": 9} | times}),
    ]


def test_a_time_that_a_webhook_states_is_believed_only_where_it_can_be(tmp_path: Path, tally: Tally) -> None:
    outcomes = {}
    for number, stated in enumerate(STATED):
        for kind in ("chatwoot_webhooks", "respond_io"):
            (folder := tmp_path / f"{kind}{number}").mkdir()
            inbox, url = Inbox(folder), f"sqlite:///{folder}/inbox.sqlite"
            inbox.source = {"type": kind, "inbox": url, "signing_keys": ["k"]}
            told = [("conversation_updated", CHATWOOT | {"updated_at": stated})]
            rows = told if kind == "chatwoot_webhooks" else respond_io(stated)
            store_events(
                open_inbox(url),
                [
                    Received(workspace="acme", event_id=f"e{at}", received_at=to_microseconds(RECEIVED_AT) + at,
                             kind=name, contact_id="1", body=json.dumps(body))
                    for at, (name, body) in enumerate(rows)
                ],
            )  # fmt: skip
            outcomes[f"{kind}: {str(stated)[:40]!r}"] = harm_of(inbox)
    tally("times that webhooks of Chatwoot and respond.io state", outcomes)


def harm_of(inbox: Inbox) -> str:
    try:
        loaded = inbox.load(FIRST, FIRST)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"{type(error).__name__}: {error}"[:200]
    events = inbox.rows(ASSIGNMENT_EVENTS)
    if not loaded.is_reconciled or any(abs(row["occurred_at"] - RECEIVED_AT) > DAY for row in events):
        return f"is read as {events}"
    return "" if events or inbox.reasons() else "is lost without a reason"
