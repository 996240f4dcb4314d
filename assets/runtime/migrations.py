"""Schema versions of a database, and Alembic migrations to this release.

The migrations of a database are files beside its tables, in a folder `migrations/versions`.
"""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from assets.errors import ConfigError

VERSION_TABLE = "assignment_reports_version"  # Dagster's tables may be in the same database, with their own
_VERSIONS = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))


def version_of(connection: Connection, schema: str | None = None) -> str | None:
    """Return the migration that the tables are at, or None where there are no tables."""
    if not inspect(connection).has_table(VERSION_TABLE, schema=schema):
        return None
    version: str | None = connection.scalar(select(_VERSIONS.c.version_num))
    return version


def create(connection: Connection, tables: MetaData, head: str) -> None:
    """Create *tables* at once, as all migrations up to *head* do one by one, in the same transaction."""
    tables.create_all(connection)
    _VERSIONS.create(connection)
    connection.execute(insert(_VERSIONS).values(version_num=head))


def upgrade(connection: Connection, folder: Path, head: str) -> None:
    """Run the migrations of *folder* up to *head*, in the transaction of *connection*.

    Raises ConfigError where the tables are of a newer release.
    """
    import alembic.command  # noqa: PLC0415 - 0.3 s to import, and tables are rarely of another release
    import alembic.config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = alembic.config.Config(attributes={"version_table": VERSION_TABLE, "connection": connection})
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    try:
        alembic.command.upgrade(config, head)
    except CommandError as error:
        raise ConfigError(
            f"the tables at {connection.engine.url!r} are of release {version_of(connection)}, newer than "
            f"this program's {head}: upgrade the program, or restore a backup"
        ) from error
