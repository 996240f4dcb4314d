"""Migration of one workspace's schema in a PostgreSQL warehouse; each step is a file in `migrations/`."""

from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from assets.runtime.migrations import upgrade, version_of

HEAD = "0004"


def migrate_schema(url: str, slug: str) -> None:
    """Create the schema *slug* of the database at *url*, or migrate it to HEAD, one process at a time.

    A role that may not create schemas needs an existing one. Raises ConfigError where it is of a newer
    release.
    """
    plain = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(plain, poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(text(f'SET LOCAL search_path TO "{slug}"'))
        if version_of(connection, slug) == HEAD:
            return
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('assignment_reports_migration'))"))
        if not inspect(connection).has_schema(slug):  # IF NOT EXISTS needs the right to create one
            connection.execute(CreateSchema(slug))
        upgrade(connection, Path(__file__).with_name("migrations"), HEAD)
