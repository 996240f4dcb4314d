"""Opening of the state database, after its tables are migrated to this release.

Each migration is a file in `migrations/versions`; the tables are described in `tables.py`.
"""

import sqlite3
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from sqlalchemy import (
    Engine,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext

from assets.runtime.extras import require
from assets.runtime.migrations import VERSION_TABLE, create, upgrade, version_of
from assets.runtime.storage_errors import explain_sqlite
from assets.state.tables import HEAD, METADATA

_ONE_AT_A_TIME = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"SELECT pg_advisory_xact_lock(hashtext('{VERSION_TABLE}'))",
}


@cache
def open_state(url: str) -> Engine:
    """Return the engine of the state database at *url*, with the tables of this release.

    SQLite waits up to 30 s for another writer; readers do not wait. Raises ConfigError where the tables are
    of a newer release, or a required package is not installed. Of a SQLite file that cannot be used, the
    engine raises StorageUnavailable or StorageUnusable.
    """
    if make_url(url).get_backend_name() != "sqlite":
        require("postgresql", "state")
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
    else:
        Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30})
        event.listen(engine, "connect", _write_ahead)
        event.listen(engine, "handle_error", _explain_error)
    with ExitStack() as failed:
        failed.callback(engine.dispose)
        with engine.connect() as connection:
            is_current = version_of(connection) == HEAD
        if not is_current:
            _migrate_tables(engine)
        failed.pop_all()
    return engine


def _write_ahead(connection: DBAPIConnection, _: object) -> None:
    connection.cursor().execute("PRAGMA journal_mode = WAL")


def _explain_error(context: ExceptionContext) -> None:
    """Raise an error with the file's path and a remedy in place of one of the disk or of permissions."""
    error, engine = context.original_exception, context.engine
    if isinstance(error, sqlite3.Error) and engine is not None:
        expected = explain_sqlite(error, Path(engine.url.database or ""))
        if expected:
            raise expected from error


def _migrate_tables(engine: Engine) -> None:
    """Create the tables, or migrate them to HEAD, one process at a time.

    Raises ConfigError where they are of a newer release.
    """
    with engine.begin() as connection:
        connection.execute(text(_ONE_AT_A_TIME[engine.dialect.name]))
        if {VERSION_TABLE, *METADATA.tables}.isdisjoint(inspect(connection).get_table_names()):
            create(connection, METADATA, HEAD)
        else:
            upgrade(connection, Path(__file__).with_name("migrations"), HEAD)
