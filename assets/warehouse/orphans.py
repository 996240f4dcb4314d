"""Folders and schemas of workspaces that the configuration does not name, as a renamed slug leaves behind."""

from collections.abc import Iterator
from pathlib import Path

from assets.config.base import resolve_secret
from assets.config.deployment import Config
from assets.warehouse.schema import LOAD_COUNTS


def find_orphans(config: Config) -> Iterator[str]:
    """Yield the place of each workspace's days or reports that belong to no workspace of *config*."""
    slugs = {workspace.slug for workspace in config.workspaces}
    if isinstance(config.lake, Path):
        yield from (
            f"lake folder {found.parent}"
            for found in sorted(config.lake.glob(f"*/{LOAD_COUNTS.name}"))
            if found.parent.name not in slugs
        )
    if isinstance(config.archive, Path):
        folders = {found.parents[3] for found in config.archive.glob("*/*/*/v*/manifest.json")}
        yield from (f"archive folder {each}" for each in sorted(folders) if each.name not in slugs)
    if config.warehouse is not None:
        from sqlalchemy import create_engine, text  # noqa: PLC0415 - few have a server
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415
        from sqlalchemy.pool import NullPool  # noqa: PLC0415

        query = text("SELECT table_schema FROM information_schema.tables WHERE table_name = :name ORDER BY 1")
        try:
            engine = create_engine(resolve_secret(config.warehouse), poolclass=NullPool, hide_parameters=True)
            with engine.connect() as connection:
                found = [row[0] for row in connection.execute(query, {"name": LOAD_COUNTS.name})]
        except (SQLAlchemyError, ImportError):
            return  # doctor says what is wrong with the server
        yield from (f"schema {name} of the warehouse" for name in found if name not in slugs)
