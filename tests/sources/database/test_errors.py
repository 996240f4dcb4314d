"""What goes wrong in real databases: which errors may pass, and whose cause is said."""

import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from threading import Timer
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.pool import NullPool

from assets.config.source import SqlSource
from assets.errors import PermanentError, SourceError, TransientError
from assets.sources.database.connections import AdbcDatabase, Database, SqlAlchemyDatabase, open_database
from assets.sources.database.errors import is_transient
from assets.sources.database.source import Sql
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox
from tests.servers.mariadb import MariaDb
from tests.servers.postgres import Postgres, cluster, standby_of

DAY = date(2024, 3, 5)
START, END = datetime(2024, 3, 5, 5, tzinfo=UTC), datetime(2024, 3, 6, 5, tzinfo=UTC)
NOON = "2024-03-05 12:00:00"
LONG_QUERY = "SELECT n, repeat('x', 100) AS x FROM generate_series(1, 500000) AS n"


def rows_of(query: str) -> Any:
    """Return *query* as a statement that can be streamed."""
    return select(text("*")).select_from(text(query).columns().subquery("asked"))


def fault(url: str, act: Callable[[Database], object], *, timeout: int = 60) -> SourceError:
    """Return the error that *act* ends with on a database that is open."""
    with (
        pytest.raises(SourceError) as caught,
        open_database(make_url(url), "events", timeout) as database,
    ):
        act(database)
    return caught.value


def end_of(postgres: Postgres, how: str) -> Callable[[Database], None]:
    """Return what reads many rows, and is ended by *how* after the first."""

    def act(database: Database) -> None:
        batches = database.batches(rows_of(LONG_QUERY))
        next(batches)
        postgres.run(
            f"DO $$ BEGIN PERFORM {how}(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND query LIKE '%generate_series(1, 500000)%'; END $$"
        )
        list(batches)

    return act


def test_postgresql_says_by_its_codes_what_may_pass(postgres: Postgres) -> None:
    url = postgres.url("postgres")
    postgres.run(
        "DROP TABLE IF EXISTS held; CREATE TABLE held (a int); GRANT SELECT ON held TO reader; "
        "DROP ROLE IF EXISTS crowd; CREATE ROLE crowd LOGIN PASSWORD 'right' CONNECTION LIMIT 0"
    )
    raising = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{}'; END $$"

    def held(database: Database) -> None:
        assert isinstance(database, AdbcDatabase)
        with postgres_connection(postgres) as other:
            other.exec_driver_sql("LOCK TABLE held")
            with database.connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'")
                cursor.execute("SELECT * FROM held")

    def statement(sql: str) -> Callable[[Database], None]:
        def act(database: Database) -> None:
            assert isinstance(database, AdbcDatabase)
            with database.connection.cursor() as cursor:
                cursor.execute(sql)
                cursor.fetch_arrow_table()

        return act

    may_pass = {
        "killed": fault(url, end_of(postgres, "pg_terminate_backend")),
        "canceled": fault(url, end_of(postgres, "pg_cancel_backend")),
        "timed out": fault(url, statement("SELECT pg_sleep(9)"), timeout=1),
        "locked": fault(url, held),
        "too many connections": fault(postgres.url("crowd"), statement("SELECT 1")),
        "not reachable": fault("postgresql://reader:right@127.0.0.1:1/db", statement("SELECT 1")),
        "serialization": fault(url, statement(raising.format("40001"))),
        "starting": fault(url, statement(raising.format("57P03"))),
    }
    assert {name: error for name, error in may_pass.items() if isinstance(error, PermanentError)} == {}
    stays = {
        "password": fault(postgres.url(password="wrong"), statement("SELECT 1")),
        "database": fault(url + "_of_nobody", statement("SELECT 1")),
        "table": fault(url, statement("SELECT * FROM nowhere")),
        "syntax": fault(url, statement("SELEC 1")),
        "right": fault(postgres.url(), statement("SELECT pg_read_file('postgresql.conf')")),
        "division": fault(
            url,
            lambda database: list(
                database.batches(rows_of("SELECT 1 / (400000 - n) FROM generate_series(1, 500000) AS n"))
            ),
        ),
        "dropped": fault(url, statement(raising.format("57P04"))),
    }
    assert {name: error for name, error in stays.items() if isinstance(error, TransientError)} == {}


def test_a_standby_that_cancels_a_query_to_go_on_may_pass() -> None:
    """A conflict with recovery: the primary removed rows that the query still saw."""
    with cluster() as primary, standby_of(primary) as standby:
        primary.run("CREATE TABLE seen AS SELECT n FROM generate_series(1, 1000) AS n")

        def act(database: Database) -> None:
            assert isinstance(database, AdbcDatabase)
            with database.connection.cursor() as cursor:
                while True:
                    cursor.execute("SELECT to_regclass('seen') IS NOT NULL AND NOT pg_is_wal_replay_paused()")
                    if cursor.fetchone()[0]:
                        break
                cursor.execute("SELECT count(*) FROM seen")
                cursor.fetchone()
                primary.run("DELETE FROM seen; VACUUM seen")
                cursor.execute("SELECT pg_sleep(20)")
                cursor.fetchone()

        error = fault(standby.url("postgres"), act)
    assert "conflict with recovery" in str(error)
    assert isinstance(error, TransientError)


@contextmanager
def postgres_connection(postgres: Postgres) -> Iterator[Any]:
    engine = create_engine(postgres.url("postgres"), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def test_mariadb_says_by_its_numbers_what_may_pass(mariadb: MariaDb) -> None:
    url = mariadb.url("owner")
    mariadb.run("CREATE OR REPLACE TABLE held (a INT)", "INSERT INTO held VALUES (1)")

    def statement(sql: str) -> Callable[[Database], None]:
        def act(database: Database) -> None:
            assert isinstance(database, SqlAlchemyDatabase)
            database.connection.execute(text(sql))

        return act

    def killed(how: str) -> Callable[[Database], None]:
        def act(database: Database) -> None:
            assert isinstance(database, SqlAlchemyDatabase)
            number = database.connection.scalar(text("SELECT CONNECTION_ID()"))
            mariadb.run(f"{how} {number}")
            database.connection.execute(text("SELECT 1"))

        return act

    def held(database: Database) -> None:
        assert isinstance(database, SqlAlchemyDatabase)
        with create_engine(url, poolclass=NullPool).begin() as other:
            other.execute(text("UPDATE held SET a = 2"))
            database.connection.execute(text("SET innodb_lock_wait_timeout = 1"))
            database.connection.execute(text("SELECT * FROM held LOCK IN SHARE MODE"))

    def interrupted(database: Database) -> None:
        assert isinstance(database, SqlAlchemyDatabase)
        number = database.connection.scalar(text("SELECT CONNECTION_ID()"))
        killer = Timer(0.3, mariadb.run, (f"KILL QUERY {number}",))
        killer.start()
        try:
            database.connection.execute(text("SELECT SUM(seq % 7) FROM seq_1_to_100000000000"))
        finally:
            killer.join()

    mariadb.run("CREATE OR REPLACE USER crowd IDENTIFIED BY 'right' WITH MAX_USER_CONNECTIONS 1")

    def crowded(_: Database) -> None:
        with open_database(make_url(mariadb.url("crowd").replace("/inbox", "/")), "events"):
            raise AssertionError

    may_pass = {
        "killed": fault(url, killed("KILL")),
        "query killed": fault(url, interrupted),
        "too many connections": fault(mariadb.url("crowd").replace("/inbox", "/"), crowded),
        "timed out": fault(url, statement("SELECT SLEEP(9)"), timeout=1),
        "locked": fault(url, held),
        "not reachable": fault("mysql+pymysql://a:b@127.0.0.1:1/x", statement("SELECT 1")),
        "signal": fault(url, statement("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213")),
    }
    assert {name: error for name, error in may_pass.items() if isinstance(error, PermanentError)} == {}
    stays = {
        "password": fault(mariadb.url(password="wrong"), statement("SELECT 1")),
        "table": fault(url, statement("SELECT * FROM nowhere")),
        "syntax": fault(url, statement("SELEC 1")),
        "right": fault(mariadb.url(), statement("SELECT * FROM mysql.global_priv")),
    }
    assert {name: error for name, error in stays.items() if isinstance(error, TransientError)} == {}


def test_sqlite_that_is_locked_may_pass(inbox: Inbox) -> None:
    path = inbox.folder / "events.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE events (event_id, occurred_at, contact_id, assignee)")
    holder = f"""
        import sqlite3, sys
        connection = sqlite3.connect({str(path)!r}, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        print("held", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(holder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        source = Sql(SqlSource(type="sql", url=f"sqlite:///{path}", table="events"))
        with pytest.raises(SourceError, match="database is locked") as caught:
            list(source.read(START, END))
        process.communicate("")
    assert isinstance(caught.value, TransientError)
    (inbox.folder / "text.db").write_text("hello world, this is no database" * 100)
    source = Sql(SqlSource(type="sql", url=f"sqlite:///{inbox.folder}/text.db", table="events"))
    with pytest.raises(SourceError, match="not a database") as caught:
        list(source.read(START, END))
    assert isinstance(caught.value, PermanentError)


class OdbcError(Exception):
    """An error as pyodbc raises it: SQLSTATE and text."""


@pytest.mark.parametrize(
    ("arguments", "may_pass"),
    [
        (("08S01", "[08S01] Communication link failure (10054) (SQLExecDirectW)"), True),
        (("HYT00", "[HYT00] Login timeout expired (0) (SQLDriverConnect)"), True),
        (("40001", "[40001] chosen as the deadlock victim (1205) (SQLExecDirectW)"), True),
        (("42000", "[42000] Lock request time out period exceeded. (1222) (SQLExecDirectW)"), True),
        (("HY000", "[HY000] Database is not currently available (40613) (SQLDriverConnect)"), True),
        ((1205, b"deadlock victim"), True),  # pymssql
        (("28000", "[28000] Login failed for user 'x'. (18456) (SQLDriverConnect)"), False),
        (("42S02", "[42S02] Invalid object name 'x'. (208) (SQLExecDirectW)"), False),
        ((18456, b"Login failed"), False),
    ],
)
def test_sql_server_says_by_its_codes_what_may_pass(arguments: tuple[object, ...], *, may_pass: bool) -> None:
    """Read from the codes as its drivers give them: no SQL Server runs here."""
    assert is_transient("mssql", OdbcError(*arguments)) == may_pass


def rejection(source: dict[str, Any]) -> str:
    with pytest.raises(SourceError) as caught:
        list(Sql(SqlSource.model_validate({"type": "sql"} | source)).read(START, END))
    assert isinstance(caught.value, PermanentError)
    return str(caught.value)


def test_only_mapped_columns_are_read_and_a_missing_right_is_told_by_column(
    inbox: Inbox, postgres: Postgres, mariadb: MariaDb
) -> None:
    columns = "event_id int, occurred_at timestamp, contact_id int, assignee text, secret text"
    row = f"INSERT INTO guarded VALUES (1, '{NOON}', 7, 'Bob', 'x')"
    postgres.run(
        f"DROP TABLE IF EXISTS guarded; CREATE TABLE guarded ({columns}); {row}; "
        "DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN PASSWORD 'right'; "
        "GRANT SELECT (event_id, occurred_at, contact_id, assignee) ON guarded TO guest"
    )
    mariadb.run(
        f"CREATE OR REPLACE TABLE guarded ({columns.replace('timestamp', 'datetime')})",
        row,
        "CREATE OR REPLACE USER guest IDENTIFIED BY 'right'",
        "GRANT SELECT (event_id, occurred_at, contact_id, assignee) ON inbox.guarded TO guest",
    )
    for url in (postgres.url("guest"), mariadb.url("guest")):
        inbox.source = {"type": "sql", "url": url, "table": "guarded", "timezone": "UTC"}
        assert inbox.load(DAY).is_reconciled
        assert [row["event_id"] for row in inbox.rows(ASSIGNMENT_EVENTS)] == ["1"]
        told = rejection({"url": url, "table": "guarded", "columns": {"contact_name": "secret"}})
        assert "secret" in told
    assert "the role may not read secret; GRANT SELECT (secret) ON guarded" in rejection(
        {"url": postgres.url("guest"), "table": "guarded", "columns": {"contact_name": "secret"}}
    )


def test_the_true_cause_is_told_and_nothing_is_printed(
    postgres: Postgres, mariadb: MariaDb, capfd: pytest.CaptureFixture[str], inbox: Inbox
) -> None:
    (inbox.folder / "empty.db").touch()
    query = "SELECT * FROM pg_class WHERE nowhere > :start AND relname < :end"
    urls = (postgres.url(), mariadb.url(), f"sqlite:///{inbox.folder}/empty.db")
    told = [rejection({"url": url, "table": "nowhere"}) for url in urls]
    told.append(rejection({"url": postgres.url(), "query": query}))
    assert [message for message in told if "nowhere" not in message] == []
    # The server's farewell may be lost with the connection, or arrive before its end.
    ended = str(fault(postgres.url("postgres"), end_of(postgres, "pg_terminate_backend")))
    assert "terminating connection" in ended or "not reachable" in ended
    assert not any("aborted" in message for message in (*told, ended))
    assert capfd.readouterr() == ("", "")


def test_an_error_in_the_first_rows_is_told_as_it_is(postgres: Postgres) -> None:
    postgres.run(
        "DROP VIEW IF EXISTS broken; CREATE VIEW broken AS SELECT n AS event_id, timestamptz '2024-03-05 12:00Z' AS occurred_at, "
        "1 / (n - 5) AS contact_id, 'Bob' AS assignee FROM generate_series(1, 300) AS n; GRANT SELECT ON broken TO reader"
    )
    assert "division by zero" in rejection({"url": postgres.url(), "table": "broken"})
    query = (
        "SELECT n AS event_id, CAST(CASE n WHEN 5 THEN 'never' ELSE '2024-03-05' END AS timestamptz) AS occurred_at, 7 AS contact_id, "
        "'Bob' AS assignee FROM generate_series(1, 9) AS n WHERE :start < :end"
    )
    assert "invalid input syntax" in rejection({"url": postgres.url(), "query": query})
