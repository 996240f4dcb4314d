"""A real MariaDB whose own zone is seven hours behind UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import make_url, text

from assets.config.source import SqlSource
from assets.errors import SourceError
from assets.sources.database.connections import SqlAlchemyDatabase, open_database
from assets.sources.database.source import Sql
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox
from tests.servers.mariadb import MariaDb

DAY = date(2024, 3, 5)


@pytest.fixture(scope="session")
def mariadb(mariadb: MariaDb) -> MariaDb:
    mariadb.run(
        "CREATE TABLE events (event_id INT PRIMARY KEY, occurred_at TIMESTAMP(6), local_at DATETIME(6), "
        "contact_id INT, contact_name TEXT, assignee TEXT)",
        "SET time_zone = '+00:00'",
        "INSERT INTO events VALUES "
        "(1, '2024-03-05 04:59:59.999999', '2024-03-04 23:59:59.999999', 7, 'Ann 😀', 'Bob'), "
        "(2, '2024-03-05 05:00:00', '2024-03-05 00:00:00', 7, 'Ann 😀', 'Eve'), "
        "(3, '2024-03-06 04:59:59.999999', '2024-03-05 23:59:59.999999', 8, NULL, 'Bob'), "
        "(4, '2024-03-06 05:00:00', '2024-03-06 00:00:00', 8, NULL, NULL)",
    )
    return mariadb


def loaded(inbox: Inbox) -> list[tuple[str, str | None, datetime]]:
    inbox.load(DAY)
    rows = inbox.rows(ASSIGNMENT_EVENTS)
    return [(row["event_id"], row["contact_name"], row["occurred_at"]) for row in rows]


EXPECTED = [
    ("2", "Ann 😀", datetime(2024, 3, 5, 5, tzinfo=UTC)),
    ("3", None, datetime(2024, 3, 6, 4, 59, 59, 999_999, UTC)),
]


def test_a_timestamp_is_an_instant_whatever_the_servers_zone(inbox: Inbox, mariadb: MariaDb) -> None:
    inbox.source = {"type": "sql", "url": mariadb.url(), "table": "events"}
    assert loaded(inbox) == EXPECTED


def test_a_datetime_is_read_in_the_zone_that_is_told(inbox: Inbox, mariadb: MariaDb) -> None:
    inbox.source = {
        "type": "sql", "url": mariadb.url(), "table": "events", "timezone": "America/New_York",
        "columns": {"occurred_at": "local_at"},
    }  # fmt: skip
    assert loaded(inbox) == EXPECTED


def test_a_query_is_given_the_window(inbox: Inbox, mariadb: MariaDb) -> None:
    query = "SELECT event_id, occurred_at, contact_id, contact_name, assignee FROM events WHERE occurred_at >= :start AND occurred_at < :end"
    inbox.source = {"type": "sql", "url": mariadb.url(), "query": query}
    assert loaded(inbox) == EXPECTED


def test_its_clock_is_told(mariadb: MariaDb) -> None:
    clock = Sql(SqlSource(type="sql", url=mariadb.url(), table="events")).clock()
    assert clock is not None
    assert abs(clock - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("statement", "said"),
    [("INSERT INTO events (event_id) VALUES (9)", "READ ONLY"), ("SELECT SLEEP(9)", "max_statement_time")],
)
def test_nothing_can_be_written_and_no_statement_runs_for_ever(
    mariadb: MariaDb, statement: str, said: str
) -> None:
    def ask() -> None:
        with open_database(make_url(mariadb.url("owner")), "events", timeout=1) as database:
            assert isinstance(database, SqlAlchemyDatabase)
            database.connection.execute(text(statement))

    with pytest.raises(SourceError, match=said):
        ask()


def test_a_wrong_password_is_said_without_it(inbox: Inbox, mariadb: MariaDb) -> None:
    inbox.source = {"type": "sql", "url": mariadb.url(password="wrong"), "table": "events"}
    with pytest.raises(SourceError, match="user name or password refused") as caught:
        inbox.load(DAY)
    assert "wrong" not in str(caught.value)
