"""The warehouse as a Dagster resource, and Dagster's retries of a step that uses it.

It is not a `ConfigurableResource`, whose fields the UI would show.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import OperationalError

from assets.config.deployment import Config
from assets.errors import TransientError
from assets.runtime.storage_errors import explain
from assets.warehouse.base import Warehouse, open_warehouse

_MAX_RETRIES, _SERVER_PAUSE_SECONDS = 3, 10


class WarehouseResource:
    """The warehouse of a configuration, with separate tables for each workspace."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def of(self, slug: str) -> Warehouse:
        """Return the tables of the workspace *slug*."""
        return open_warehouse(self.config, slug)


@contextmanager
def retrying_transient_errors(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Have Dagster retry the step of *context* after a transient error; any other expected error fails it.

    Every step can be repeated: days and versions are stored whole or not at all, and existing ones are
    reused. An unreachable server is transient, as is a full disk; a bug is not, nor is a query whose run is
    canceled.
    """
    try:
        yield
    except (OperationalError, ConnectionError) as error:
        raise dg.RetryRequested(max_retries=_MAX_RETRIES, seconds_to_wait=_SERVER_PAUSE_SECONDS) from error
    except Exception as error:
        expected = explain(error)
        if expected is None:
            raise
        if isinstance(expected, TransientError) and context.retry_number < _MAX_RETRIES:
            pause = expected.retry_seconds * 2**context.retry_number
            raise dg.RetryRequested(max_retries=_MAX_RETRIES, seconds_to_wait=pause) from error
        raise dg.Failure(str(expected), allow_retries=False) from error
