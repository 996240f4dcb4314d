"""Brings the state's tables to this release; each step is a file in `migrations/versions`."""

from pathlib import Path

import alembic.command
import alembic.config
from alembic.util import CommandError
from sqlalchemy import Engine, text

from assets.deliver.state import HEAD, VERSION_TABLE, version_of
from assets.errors import ConfigError

_ONE_AT_A_TIME = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"SELECT pg_advisory_xact_lock(hashtext('{VERSION_TABLE}'))",
}


def migrate(engine: Engine) -> None:
    """Bring the tables to HEAD, one process at a time.

    Raises ConfigError where they are of a newer release.
    """
    config = alembic.config.Config(attributes={"version_table": VERSION_TABLE})
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    with engine.begin() as connection:
        connection.execute(text(_ONE_AT_A_TIME[engine.dialect.name]))
        config.attributes["connection"] = connection
        try:
            alembic.command.upgrade(config, HEAD)
        except CommandError as error:
            raise ConfigError(
                f"the state at {engine.url!r} is of release {version_of(connection)}, newer than "
                f"this program's {HEAD}: upgrade the program, or restore a backup"
            ) from error
