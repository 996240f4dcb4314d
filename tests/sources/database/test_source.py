import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import create_engine, make_url

from assets.config.source import SqlSource
from assets.errors import PermanentError, SourceError
from assets.sources.base import Batch
from assets.sources.database import connections
from assets.sources.database.source import Sql
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox
from tests.servers.postgres import Postgres

START, END = datetime(2024, 3, 5, 5, tzinfo=UTC), datetime(2024, 3, 6, 5, tzinfo=UTC)
ROWS = [
    ("e1", "2024-03-05T04:59:59.999999Z", 7, "Ann", None, "Bob"),  # a microsecond before the day
    ("e2", "2024-03-05T05:00:00Z", 7, "Ann", "Bob", "Eve"),
    ("e3", "2024-03-06T04:59:59.999999Z", 8, None, None, "Bob"),
    ("e4", "2024-03-06T05:00:00Z", 8, None, "Bob", None),
]


def sqlite(inbox: Inbox, times: list[object]) -> str:
    path = inbox.folder / "events.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE events (event_id, occurred_at, contact_id, contact_name, previous_assignee, assignee)"
        )
        rows = [(row[0], time, *row[2:]) for row, time in zip(ROWS, times, strict=True)]
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{path}"


def stored(inbox: Inbox) -> list[tuple[str, object, object]]:
    inbox.load(date(2024, 3, 5))
    rows = inbox.rows(ASSIGNMENT_EVENTS)
    return [(row["event_id"], row["contact_id"], row["assignee_name"]) for row in rows]


EXPECTED = [("e2", "7", "Eve"), ("e3", "8", "Bob")]
INSTANTS = [datetime.fromisoformat(row[1]) for row in ROWS]


@pytest.mark.parametrize(
    "times",
    [
        [row[1] for row in ROWS],
        [instant.isoformat(" ") for instant in INSTANTS],
        [round(instant.timestamp() * 1e6) for instant in INSTANTS],
    ],
    ids=["ISO text", "text with a blank", "epoch"],
)
def test_sqlite_tables_are_read_by_window_whatever_their_times(inbox: Inbox, times: list[object]) -> None:
    inbox.source = {"type": "sql", "url": sqlite(inbox, times), "table": "events"}
    assert stored(inbox) == EXPECTED


def test_sqlite_answers_a_query_of_the_user(inbox: Inbox) -> None:
    query = (
        "SELECT event_id, occurred_at, contact_id AS k, assignee AS agent FROM events "
        "WHERE occurred_at >= :start AND occurred_at < :end"
    )
    url = sqlite(inbox, [row[1] for row in ROWS])
    columns = {"contact_id": "k", "assignee": "agent"}
    inbox.source = {"type": "sql", "url": url, "query": query, "columns": columns}
    assert stored(inbox) == EXPECTED
    assert [row["origin"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["query", "query"]


@pytest.fixture(scope="session")
def events_table(postgres: Postgres) -> str:
    """Make the same rows in PostgreSQL, with each type a time may have."""
    values = ", ".join(
        f"('{i}', '{at}', '{at}'::timestamptz AT TIME ZONE 'America/New_York', '{at}', {k}, '{n or ''}', '{b or ''}', '{a or ''}')"
        for i, at, k, n, b, a in ROWS
    )
    postgres.run(
        "CREATE TABLE events (event_id text, zoned timestamptz, wall timestamp, written text, contact_id bigint, "
        f"contact_name text, previous_assignee text, assignee text); INSERT INTO events VALUES {values}"
    )
    return postgres.url()


@pytest.mark.parametrize("column", ["zoned", "wall", "written"])
def test_postgresql_tables_are_read_by_window_whatever_their_times(
    inbox: Inbox, events_table: str, column: str
) -> None:
    inbox.source = {
        "type": "sql",
        "url": events_table,
        "table": "public.events",
        "columns": {"occurred_at": column},
        "timezone": "America/New_York",
    }
    assert stored(inbox) == EXPECTED


@pytest.mark.parametrize(
    ("column", "timezone"), [("zoned", None), ("wall", "America/New_York"), ("zoned", "America/New_York")]
)
def test_postgresql_answers_a_query_of_the_user(
    inbox: Inbox, events_table: str, column: str, timezone: str | None
) -> None:
    query = (
        f"SELECT event_id, {column} AS occurred_at, contact_id, assignee FROM events "
        f"WHERE {column} >= CAST(:start AS timestamp{'tz' if timezone is None else ''}) AND {column} < :end"
    )
    inbox.source = {"type": "sql", "url": events_table, "query": query, "timezone": timezone}
    assert stored(inbox) == EXPECTED


def test_other_databases_are_read_through_sqlalchemy(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite stands in for a dialect without ADBC: the way is the same, only the driver differs."""
    url = make_url(sqlite(inbox, [row[1] for row in ROWS]))
    with create_engine(url).connect() as connection:
        database = connections.SqlAlchemyDatabase(connection)
        monkeypatch.setattr(connections, "_open_connection", lambda *_: _given(database))
        options = SqlSource.model_validate({"type": "sql", "url": str(url), "table": "events"})
        batches = [item for item in Sql(options).read(START, END) if isinstance(item, Batch)]
    ids = [event_id for batch in batches for event_id in batch.rows.column("event_id").to_pylist()]
    assert set(ids) >= {"e2", "e3"}


@contextmanager
def _given(database: connections.Database) -> Iterator[connections.Database]:
    yield database


def test_nulls_in_the_first_rows_do_not_decide_a_columns_type(inbox: Inbox) -> None:
    url = sqlite(inbox, [row[1] for row in ROWS])
    with sqlite3.connect(inbox.folder / "events.db") as connection:
        connection.execute("UPDATE events SET assignee = NULL")
        connection.executemany(
            "INSERT INTO events VALUES (?, '2024-03-05T12:00:00Z', 1, NULL, ?, ?)",
            [(f"n{number}", "A", None if number < 3000 else "Late") for number in range(3001)],
        )
    connection.close()
    inbox.source = {"type": "sql", "url": url, "table": "events"}
    assert ("n3000", "1", "Late") in stored(inbox)


WRONG = {
    "database that is down": (
        {"url": "postgresql://reader:secret@127.0.0.1:1/db", "table": "events"},
        r"events at postgresql://reader:\*\*\*@127.0.0.1:1/db: not reachable \(.*refused.*\); start it or correct `url`",
        False,
    ),
    "wrong password": (
        {"url": "{right}", "table": "events"},
        r"events at postgresql\+psycopg://reader:\*\*\*@127.0.0.1:\d+/postgres: user name or password refused; "
        "correct `url`",
        True,
    ),
    "no such table": ({"url": "{url}", "table": "nope"}, r'relation "nope" does not exist', True),
    "no such column": (
        {"url": "{url}", "table": "events"},
        r"events: no column for occurred_at; found event_id, zoned, .*; map one in `columns`",
        True,
    ),
    "unknown dialect": (
        {"url": "foo://x", "table": "events"},
        "`url` of the source: Can't load plugin",
        True,
    ),
    "no such file": ({"url": "sqlite:////nope.db", "table": "e"}, "SQLite file not found: /nope.db", True),
    "cast by ::": (
        {"url": "{url}", "query": "SELECT 1 WHERE now() > :start::timestamptz AND now() < :end"},
        r"`query` must use CAST\(:start AS ...\) and CAST\(:end AS ...\), not :start::...",
        True,
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_database_that_cannot_be_read_says_why_without_its_password(
    inbox: Inbox, postgres: Postgres, events_table: str, case: str
) -> None:
    options, message, permanent = WRONG[case]
    url = options["url"].format(url=events_table, right=postgres.url(password="wrong"))
    inbox.source = {"type": "sql"} | options | {"url": url}
    with pytest.raises(SourceError, match=message) as caught:
        inbox.load()
    assert isinstance(caught.value, PermanentError) is permanent
    assert "secret" not in str(caught.value)
    assert inbox.files() == {}
