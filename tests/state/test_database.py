import gc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import alembic.config
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.exc import ProgrammingError

from assets.errors import ConfigError
from assets.runtime.migrations import VERSION_TABLE, upgrade, version_of
from assets.state.alerts import AlertLog
from assets.state.database import open_state
from assets.state.loads import LastLoad, LoadLog
from assets.state.run_lock import AlreadyRunning, sole_run
from assets.state.tables import HEAD, METADATA
from tests.servers.postgres import Postgres

MIGRATIONS = Path("assets/state/migrations")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new/state.sqlite"
        return
    postgres = request.getfixturevalue("postgres")
    assert isinstance(postgres, Postgres)
    postgres.run("DROP DATABASE IF EXISTS new; CREATE DATABASE new OWNER postgres;")
    address = postgres.url("postgres").removesuffix("postgres") + "new"
    yield address
    open_state(address).dispose()
    open_state.cache_clear()


def differences(engine: Engine) -> list[object]:
    options = {"version_table": VERSION_TABLE, "compare_type": True}
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


def opened(url: str) -> list[object]:
    return differences(open_state(url))


def test_processes_that_open_a_new_state_at_once_find_the_tables_of_this_release(url: str) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(opened, [url] * 4)) == [[]] * 4


def test_migrations_lead_to_the_tables_that_a_new_state_has(url: str) -> None:
    engine = create_engine(url)
    Path(engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
    with engine.begin() as connection:
        upgrade(connection, MIGRATIONS, HEAD)
        assert version_of(connection) == HEAD
    assert differences(engine) == []
    migrated = MetaData()
    migrated.reflect(engine)
    migrated.drop_all(engine)
    new = MetaData()
    new.reflect(open_state(url))
    engine.dispose()
    assert described(new) == described(migrated)


def described(tables: MetaData) -> dict[str, object]:
    """Return columns, keys and indexes; a migration gives a column a default for the rows that are there."""
    return {
        table.name: (
            sorted((column.name, repr(column.type), column.nullable) for column in table.columns),
            table.primary_key.columns.keys(),
            sorted((index.name, index.unique, index.columns.keys()) for index in table.indexes),
        )
        for table in tables.sorted_tables
    }


def test_a_state_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.sqlite"
    with open_state(url).begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    open_state.cache_clear()
    with pytest.raises(ConfigError, match=r"are of release 9999, newer than this program's"):
        open_state(url)


def test_a_state_that_cannot_be_opened_leaves_no_connection(postgres: Postgres) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        open_state(postgres.url("reader"))
    gc.collect()  # a connection that is left says so


def test_a_state_from_before_migrations_is_taken_over(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.sqlite"
    engine = open_state(url)
    with engine.begin() as connection:
        tables = (
            "deliveries",
            "subscriptions",
            "evaluations",
            "incidents",
            "last_loads",
            "outdated_searches",
        )
        for name in (VERSION_TABLE, *tables):
            connection.execute(text(f"DROP TABLE {name}"))
        notices = "(key TEXT PRIMARY KEY, told_at DATETIME NOT NULL, text TEXT NOT NULL)"
        connection.execute(text(f"CREATE TABLE notices {notices}"))
        columns = ("reasons", "has_no_data", "causes", "language", "change_pct", "compare_with")
        for name in (*columns, "goals_met", "goals_missed", "is_examined"):
            connection.execute(text(f"ALTER TABLE report_versions DROP COLUMN {name}"))
    open_state.cache_clear()
    assert opened(url) == []


def test_a_delivery_that_was_being_sent_is_found_by_the_names_of_this_release(url: str) -> None:
    engine = create_engine(url)
    Path(engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
    before = {"phase": "dot", "doubts": 1, "attempts": 2, "state": "sending", "version": 1}
    texts = dict.fromkeys(
        ("id", "workspace", "subscription", "report", "recipient", "kind", "subject", "reason"), "x"
    )
    days = dict.fromkeys(("report_date", "planned_at", "expires_at", "changed_at"), "2026-06-15")
    row = before | texts | days
    with engine.begin() as connection:
        upgrade(connection, MIGRATIONS, "0003")
        names = ", ".join(row)
        connection.execute(text(f"INSERT INTO deliveries ({names}) VALUES (:{', :'.join(row)})"), row)
    engine.dispose()
    with open_state(url).connect() as connection:
        found = connection.execute(text("SELECT phase, unconfirmed_attempts FROM deliveries")).one()
    assert tuple(found) == ("committed", 1)


def test_alerts_that_wait_and_stalls_that_last_become_incidents(url: str) -> None:
    engine = create_engine(url)
    Path(engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
    at = "2026-06-15 10:00:00+00:00" if url.startswith("postgresql") else "2026-06-15 10:00:00"
    alerts = {
        "late/acme/yesterday/2026-06-15": None,
        "failed/acme/flow/2026-06-15": at,
        "stalled/acme/2026-06-10T10:00:00+00:00": at,
        "resumed/acme/2026-06-10T10:00:00+00:00": at,
        "stalled/acme/2026-06-14T10:00:00+00:00": at,
    }
    with engine.begin() as connection:
        upgrade(connection, MIGRATIONS, "0007")
        for key, sent_at in alerts.items():
            statement = "INSERT INTO alerts (key, created_at, sent_at, text) VALUES (:key, :at, :sent, :text)"
            row = {"key": key, "at": at, "sent": sent_at, "text": "acme: late. It is left out."}
            connection.execute(text(statement), row)
    engine.dispose()
    log, now = AlertLog(SecretStr(url)), datetime(2026, 6, 15, 11, tzinfo=UTC)
    assert {incident.seen.key for incident in log.open()} == {
        "/late/acme/yesterday/2026-06-15",
        "acme/source_stalled",
    }
    (pending,) = log.pending(now)
    assert (pending.seen.title, pending.seen.text) == ("acme: late", "acme: late. It is left out.")
    (stall,) = log.open("acme/source_stalled")
    assert stall.seen.occurrence == "2026-06-14T10:00:00+00:00"
    log.mark_mailed(pending, now)
    assert log.pending(now) == []
    log.observe(replace(stall.seen, occurrence="another", reports=("today",)), now)
    (again,) = log.pending(now)
    assert (again.count, again.mails, again.seen.reports) == (2, 1, ("today",))


def test_the_last_load_of_each_workspace_is_kept(url: str) -> None:
    log, now = LoadLog(SecretStr(url)), datetime(2026, 6, 15, 11, tzinfo=UTC)
    for load in (
        LastLoad("acme", now, None, None),
        LastLoad("beta", now, now, now),
        LastLoad("acme", now, now, None),
    ):
        log.record(load)
    assert log.last_loads() == {"acme": load, "beta": LastLoad("beta", now, now, now)}


def test_the_newest_migration_is_the_head() -> None:
    script = alembic.config.Config()
    script.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(script).get_current_head() == HEAD


def test_one_run_that_sends_holds_a_state_database_at_a_time(url: str) -> None:
    state = SecretStr(url)
    with sole_run(state):
        with pytest.raises(AlreadyRunning, match="another `run --send`"), sole_run(state):
            pass
        with pytest.raises(AlreadyRunning), sole_run(state):  # the refused one has let go of nothing
            pass
    with sole_run(state):
        pass
