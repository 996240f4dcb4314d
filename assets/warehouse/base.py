"""The interface of every warehouse, and the choice of the one that a configuration names.

Implementations: `parquet_lake.py`, `object_store_lake.py`, `postgresql.py`.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pydantic import SecretStr
from sqlalchemy import Executable, Table

from assets.config.base import resolve_secret
from assets.config.deployment import Config
from assets.runtime.extras import require, require_store
from assets.warehouse.days import Stored

_kept: dict[int, dict[object, "Warehouse"]] = {}


class Warehouse(Protocol):
    """The tables of `schema.py` for one workspace, replaced by whole days."""

    def writing(self) -> AbstractContextManager[None]:
        """Wait for every reader and writer of this workspace, then hold an exclusive lock."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """Wait for a writer, then hold a shared lock: no report is built from days being replaced."""
        ...

    def forget(self, table: Table, days: Iterable[date]) -> None:
        """Delete *days* of *table*, so that a process killed later leaves a missing day, not a torn one."""
        ...

    def replace_days(self, table: Table, days: Iterable[date], rows: pa.RecordBatchReader) -> Stored:
        """Store *rows*, sorted by `local_day` and key, as the whole content of *days*.

        A day without rows is stored as an empty day. Raises ValueError for a row of a day not in *days*.
        """
        ...

    def stored(self, table: Table, days: Sequence[date]) -> Iterator[tuple[date, pa.Table]]:
        """Yield the rows of each of *days*, in order, as they are stored: the columns of `coded_schema`."""
        ...

    def query(self, statement: Executable) -> pa.Table:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; return its rows."""
        ...

    def stream(self, statement: Executable) -> pa.RecordBatchReader:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; stream its rows."""
        ...

    def ask(self, query: str) -> pa.Table:
        """Run one SELECT written by a person over the tables. Raises ConfigError for anything else."""
        ...

    def tidy(self, before: datetime) -> int:
        """Delete superseded files and those of killed writers, of a time before then; return their number."""
        ...

    def stored_text(self, name: str) -> str | None:
        """Return the text stored beside the tables as *name*, or None."""
        ...

    def store_text(self, name: str, text: str) -> None:
        """Store *text* beside the tables as *name*."""
        ...


def kept_warehouse(config: Config, slug: str) -> Warehouse:
    """Return the tables of *slug*, which this process keeps open until it uses another workspace's.

    What they have read into memory is not read again. A forked process cannot close what its parent keeps.
    """
    key, kept = (config.lake, config.warehouse, slug), _kept.setdefault(os.getpid(), {})
    if (warehouse := kept.get(key)) is None:
        kept.clear()
        warehouse = kept[key] = open_warehouse(config, slug)
    return warehouse


def open_warehouse(config: Config, slug: str) -> Warehouse:
    """Return the tables of the workspace *slug*. Raises MissingExtraError."""
    place = config.tables
    if isinstance(place, SecretStr):
        require("postgresql", "warehouse")
        from assets.warehouse.postgresql import SqlWarehouse  # noqa: PLC0415 - few need its drivers

        return SqlWarehouse(resolve_secret(place), slug)
    if not isinstance(place, Path):
        require_store(place, "lake")
        from assets.warehouse.object_store_lake import ObjectLake  # noqa: PLC0415

        return ObjectLake(place, slug)
    from assets.warehouse.parquet_lake import Lake  # noqa: PLC0415

    return Lake(place, slug)
