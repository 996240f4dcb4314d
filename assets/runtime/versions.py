"""Which release made the tables of a database what they are; `runtime/migrations.py` changes that."""

from sqlalchemy import Connection, inspect, text

VERSION_TABLE = "assignment_reports_version"  # Dagster's tables may be in the same database, with their own


def version_of(connection: Connection, schema: str | None = None) -> str | None:
    """Return the step that made the tables what they are; None where there are none."""
    if not inspect(connection).has_table(VERSION_TABLE, schema=schema):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return version
