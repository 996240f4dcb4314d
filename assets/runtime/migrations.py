"""Tables of a database brought to this release, one step after the other. By Alembic."""

from pathlib import Path

import alembic.command
import alembic.config
from alembic.util import CommandError
from sqlalchemy import Connection

from assets.errors import ConfigError
from assets.runtime.versions import VERSION_TABLE, version_of


def upgrade(connection: Connection, folder: Path, head: str) -> None:
    """Take the steps of *folder* up to *head*, in the transaction of *connection*.

    Raises ConfigError where the tables are of a newer release.
    """
    config = alembic.config.Config(attributes={"version_table": VERSION_TABLE, "connection": connection})
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    try:
        alembic.command.upgrade(config, head)
    except CommandError as error:
        raise ConfigError(
            f"the tables at {connection.engine.url!r} are of release {version_of(connection)}, newer than "
            f"this program's {head}: upgrade the program, or restore a backup"
        ) from error
