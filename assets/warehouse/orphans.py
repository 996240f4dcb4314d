"""Orphaned folders and schemas, whose workspace the configuration does not name, as after renaming a slug."""

from collections.abc import Iterator
from pathlib import Path

from assets.config.base import resolve_secret
from assets.config.deployment import Config
from assets.warehouse.schema import LOAD_COUNTS


def find_orphans(config: Config) -> Iterator[str]:
    """Yield the location of stored days or reports of each workspace that *config* does not name."""
    slugs = {workspace.slug for workspace in config.workspaces}
    if isinstance(config.lake, Path):
        yield from (
            f"lake folder {table.parent}"
            for table in sorted(config.lake.glob(f"*/{LOAD_COUNTS.name}"))
            if table.parent.name not in slugs
        )
    if isinstance(config.archive, Path):
        folders = {manifest.parents[3] for manifest in config.archive.glob("*/*/*/v*/manifest.json")}
        yield from (f"archive folder {folder}" for folder in sorted(folders) if folder.name not in slugs)
    if config.warehouse is not None:
        from sqlalchemy import create_engine, text  # noqa: PLC0415 - few have a server
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415
        from sqlalchemy.pool import NullPool  # noqa: PLC0415

        query = text("SELECT table_schema FROM information_schema.tables WHERE table_name = :name ORDER BY 1")
        try:
            engine = create_engine(resolve_secret(config.warehouse), poolclass=NullPool, hide_parameters=True)
            with engine.connect() as connection:
                schemas = [row[0] for row in connection.execute(query, {"name": LOAD_COUNTS.name})]
        except (SQLAlchemyError, ImportError):
            return  # doctor reports what is wrong with the server
        yield from (f"schema {name} of the warehouse" for name in schemas if name not in slugs)
