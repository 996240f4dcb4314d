"""The warehouse as a Dagster resource, and how a step that uses it is tried again.

It is no `ConfigurableResource`, whose fields the UI would show.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import OperationalError

from assets.config.deployment import Config
from assets.errors import Overtaken
from assets.warehouse.base import Warehouse, open_warehouse

_RETRIES, _PAUSE_SECONDS = 3, 10


class WarehouseResource:
    """The warehouse of a configuration; each workspace has a part of its own."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def of(self, slug: str) -> Warehouse:
        """Return the tables of the workspace *slug*."""
        return open_warehouse(self.config, slug)


@contextmanager
def tried_again() -> Iterator[None]:
    """Have Dagster do the step again where a server was away, or another process stored the same days.

    Any step may be done again: days and versions are whole or not there, and what is there is found. A bug,
    or a query that was interrupted because its run is cancelled, is not tried again.
    """
    try:
        yield
    except (Overtaken, OperationalError, ConnectionError) as error:
        raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_PAUSE_SECONDS) from error
