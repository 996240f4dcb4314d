"""Dagster's PostgreSQL storage with a connection pool: Dagster opens a connection for each statement.

Creating a run of four days writes fifty events; with a connection each, that takes seconds, most of them
for checking the password. Every tick opens the instance again, so the pool belongs to the process.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from dagster._serdes import ConfigurableClassData
from sqlalchemy import Engine, create_engine

from assets.runtime.extras import MissingExtraError

try:
    from dagster_postgres import DagsterPostgresStorage
    from dagster_postgres.utils import pg_url_from_config
except ModuleNotFoundError as error:
    raise MissingExtraError("postgresql", "dagster.yaml: storage") from error

if TYPE_CHECKING:
    from dagster._core.storage.config import PostgresStorageConfig

_POOL_SIZE, _MAX_OVERFLOW = 4, 36
_pools: dict[str, Engine] = {}


class PooledStorage(DagsterPostgresStorage):
    """Runs, events and ticks share one pool, which replaces connections after a restart of the server."""

    def __init__(self, url: str, inst_data: ConfigurableClassData | None) -> None:
        super().__init__(url, should_autocreate_tables=url not in _pools, inst_data=inst_data)
        if url not in _pools:
            _pools[url] = create_engine(
                url,
                isolation_level="AUTOCOMMIT",
                pool_size=_POOL_SIZE,
                max_overflow=_MAX_OVERFLOW,
                pool_pre_ping=True,
                pool_use_lifo=True,
            )
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = _pools[url]  # noqa: SLF001 - as its own `optimize_for_webserver` does

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledStorage":
        """Return the storage that `dagster.yaml` describes."""
        return cls(pg_url_from_config(cast("PostgresStorageConfig", config_value)), inst_data)
