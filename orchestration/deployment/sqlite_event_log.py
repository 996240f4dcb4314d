"""Dagster's SQLite event log with files that stay open: Dagster opens and closes two for each event.

A run over a year of days writes 3,650 events, each of which takes 20 ms that way.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine

_MAX_OPEN_FILES = 4
_BUSY_SECONDS = 30  # as long as Dagster waits


class OpenEventFiles(SqliteEventLogStorage):
    """Keeps the index and the files of recently used runs open; the files have Dagster's format."""

    def __init__(self, inst_data: ConfigurableClassData | None) -> None:
        self._inst_data = inst_data
        self._open: dict[str, tuple[int, Engine]] = {}

    def register_instance(self, instance: DagsterInstance) -> None:
        """Set the folder of the files, which is Dagster's default."""
        super().__init__(str(Path(instance.root_directory, "history", "runs")), self._inst_data)
        super().register_instance(instance)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return an empty schema: there are no settings."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> "OpenEventFiles":
        """Return the storage that `dagster.yaml` describes."""
        return cls(inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._open_engine(shard).begin() as connection:
            yield connection

    def _open_engine(self, shard: str) -> Engine:
        """Return the engine of *shard*; open it again if its file was replaced."""
        path = Path(self.path_for_shard(shard))
        inode = path.stat().st_ino if path.exists() else 0
        known_inode, engine = self._open.pop(shard, (0, None))
        if engine is None or known_inode != inode:
            if engine is not None:
                engine.dispose()
            engine = create_engine(
                self.conn_string_for_shard(shard), connect_args={"timeout": _BUSY_SECONDS}, pool_size=1
            )
            if not inode or shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            inode = path.stat().st_ino
        self._open[shard] = inode, engine  # the most recently used is last
        if len(self._open) > _MAX_OPEN_FILES:
            _, oldest = self._open.pop(next(iter(self._open)))
            oldest.dispose()
        return engine
