"""Brings the state's tables to this release; each step is a file in `migrations/versions`."""

from pathlib import Path

from sqlalchemy import Engine, text

from assets.runtime.migrations import VERSION_TABLE, upgrade
from assets.state.tables import HEAD

_ONE_AT_A_TIME = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"SELECT pg_advisory_xact_lock(hashtext('{VERSION_TABLE}'))",
}


def migrate(engine: Engine) -> None:
    """Bring the tables to HEAD, one process at a time.

    Raises ConfigError where they are of a newer release.
    """
    with engine.begin() as connection:
        connection.execute(text(_ONE_AT_A_TIME[engine.dialect.name]))
        upgrade(connection, Path(__file__).with_name("migrations"), HEAD)
