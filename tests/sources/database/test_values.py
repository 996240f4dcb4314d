"""Values of real databases that are hard to read: binary ids, floating epochs, times that are none."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox
from tests.servers.mariadb import MariaDb
from tests.servers.postgres import Postgres

DAY = date(2024, 3, 5)
NOON = "2024-03-05 12:00:00"


IDS = ["deadbeef00010203040506070809" + f"{last:04x}" for last in (0x0A0B, 0x0A0C, 0xFFFE)]


def test_binary_ids_are_read_as_hex(inbox: Inbox, postgres: Postgres, mariadb: MariaDb) -> None:
    columns = "event_id {}, occurred_at {}, conversation_id {}, contact_id {}, assignee VARCHAR(9)"
    rows = ", ".join(
        f"({{0}}{each}{{1}}, '{NOON}', {{0}}{each}{{1}}, {{0}}ab00ff{{1}}, 'Bob')" for each in IDS
    )
    postgres.run(
        f"DROP TABLE IF EXISTS packed; CREATE TABLE packed ({columns.format('bytea', 'timestamptz', 'uuid', 'bytea')}); "
        f"INSERT INTO packed VALUES {rows.format(chr(39) + chr(92) + 'x', chr(39)).replace(f', {chr(39)}{chr(92)}xdead', f', {chr(39)}dead')}"
    )
    mariadb.run(
        f"CREATE OR REPLACE TABLE packed ({columns.format('BINARY(16)', 'TIMESTAMP', 'BINARY(16)', 'VARBINARY(9)')})",
        "SET time_zone = '+00:00'",
        f"INSERT INTO packed VALUES {rows.format('UNHEX(' + chr(39), chr(39) + ')')}",
    )
    path = inbox.folder / "events.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE packed (event_id, occurred_at, conversation_id, contact_id, assignee)"
        )
        connection.executemany(
            "INSERT INTO packed VALUES (?, ?, ?, ?, 'Bob')",
            [(bytes.fromhex(each), NOON + "Z", bytes.fromhex(each), b"\xab\x00\xff") for each in IDS],
        )
        connection.commit()
    for url in (postgres.url(), mariadb.url(), f"sqlite:///{path}"):
        inbox.source = {"type": "sql", "url": url, "table": "packed"}
        assert inbox.load(DAY).is_reconciled
        found = inbox.rows(ASSIGNMENT_EVENTS)
        assert sorted(
            (row["event_id"], row["conversation_id"].replace("-", ""), row["contact_id"]) for row in found
        ) == [(each, each, "ab00ff") for each in IDS]


def test_times_that_no_event_has_reject_their_rows_and_not_the_load(
    inbox: Inbox, postgres: Postgres, mariadb: MariaDb
) -> None:
    postgres.run(
        "DROP TABLE IF EXISTS odd; CREATE TABLE odd (event_id int, occurred_at timestamptz, contact_id int, assignee text); "
        f"INSERT INTO odd VALUES (1, '{NOON}Z', 7, 'Bob'), (2, 'infinity', 7, 'Eve'), (3, '-infinity', 7, 'Eve'), "
        "(4, '0044-03-15 BC', 7, 'Eve'), (5, '20000-01-01', 7, 'Eve'), (6, NULL, 7, 'Eve')"
    )
    mariadb.run(
        "CREATE OR REPLACE TABLE odd (event_id INT, occurred_at DATETIME, contact_id INT, assignee TEXT)",
        "SET sql_mode = ''",
        f"INSERT INTO odd VALUES (1, '{NOON}', 7, 'Bob'), (2, '0000-00-00', 7, 'Eve'), (3, '0000-00-00', 7, 'Eve')",
    )
    said = {
        postgres.url(): "5 rows without a readable time; occurred_at is infinite",
        mariadb.url(): "2 rows without a readable time; occurred_at '0000-00-00 00:00:00' is no date",
    }
    for url, reason in said.items():
        inbox.source = {"type": "sql", "url": url, "table": "odd", "timezone": "UTC"}
        assert inbox.load(DAY).is_reconciled
        assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["1"]
        assert inbox.reasons() == [f"odd: {reason}"]


@pytest.mark.parametrize(
    ("kind", "odd", "said"),
    [
        ("timestamp", "infinity", "occurred_at is infinite"),
        ("timestamp", "-infinity", "occurred_at is infinite"),
        ("timestamp", "0044-03-15 BC", r"'0044-03-15 \(BC\) 00:00:00' is before 2000 or after 2099"),
        ("double precision", "NaN", "occurred_at 'NaN' is no date"),
        ("double precision", "Infinity", "occurred_at 'inf' is no date"),
    ],
)
def test_a_time_of_postgresql_that_is_none_is_told_as_what_it_is(
    inbox: Inbox, postgres: Postgres, kind: str, odd: str, said: str
) -> None:
    good = NOON if kind == "timestamp" else 1709640000
    postgres.run(
        f"DROP TABLE IF EXISTS odd; CREATE TABLE odd (event_id int, occurred_at {kind}, contact_id int, assignee text); "
        f"INSERT INTO odd VALUES (1, '{good}', 7, 'Bob'), (2, '{odd}', 7, 'Eve')"
    )
    inbox.source = {"type": "sql", "url": postgres.url(), "table": "odd", "timezone": "UTC"}
    assert inbox.load(DAY).is_reconciled
    assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["1"]
    (reason,) = inbox.reasons()
    assert re.search(f"1 row without a readable time; .*{said}$", reason)


@pytest.mark.parametrize("source", [{"table": "odd"}, {"query": "SELECT * FROM odd WHERE :start < :end"}])
def test_a_blob_in_the_time_column_of_sqlite_is_reported(inbox: Inbox, source: dict[str, str]) -> None:
    """Its digits may look like an epoch, and its bytes need not be text."""
    path = inbox.folder / "odd.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE odd (event_id, occurred_at, contact_id, assignee)")
        times = (NOON + "Z", bytes.fromhex("1709640000"), b"\xff")
        connection.executemany("INSERT INTO odd VALUES (?, ?, 7, 'Bob')", enumerate(times, 1))
        connection.commit()
    inbox.source = {"type": "sql", "url": f"sqlite:///{path}"} | source
    assert inbox.load(DAY).is_reconciled
    assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["1"]
    assert "2 rows without a readable time; occurred_at '0x1709640000' is no date" in inbox.reasons()[0]


EPOCH = datetime(2024, 3, 5, 12, 0, 0, 500_000, UTC).timestamp()


@pytest.mark.parametrize("unit", [1, 1e3, 1e6, 1e9])
def test_floating_epochs_are_read_in_every_unit(
    inbox: Inbox, postgres: Postgres, mariadb: MariaDb, unit: float
) -> None:
    values = f"(1, {EPOCH * unit!r}, 7, 'Bob'), (2, {(EPOCH + 86_400) * unit!r}, 7, 'Eve')"
    columns = "(event_id int, occurred_at double precision, contact_id int, assignee text)"
    postgres.run(
        f"DROP TABLE IF EXISTS floating; CREATE TABLE floating {columns}; INSERT INTO floating VALUES {values}"
    )
    mariadb.run(f"CREATE OR REPLACE TABLE floating {columns}", f"INSERT INTO floating VALUES {values}")
    path = Path(inbox.folder / "events.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE floating {columns}")
        connection.execute(f"INSERT INTO floating VALUES {values}")
        connection.commit()
    for url in (postgres.url(), mariadb.url(), f"sqlite:///{path}"):
        inbox.source = {"type": "sql", "url": url, "table": "floating"}
        assert inbox.load(DAY).is_reconciled
        assert [
            (row["event_id"], row["occurred_at"].timestamp()) for row in inbox.rows(ASSIGNMENT_EVENTS)
        ] == [("1", EPOCH)]
