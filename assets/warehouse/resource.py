"""The warehouse as a Dagster resource; it is no `ConfigurableResource`, whose fields the UI would show."""

from assets.config import Config
from assets.warehouse.warehouse import Warehouse, open_warehouse


class WarehouseResource:
    """The warehouse of a configuration; each workspace has a part of its own."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def of(self, slug: str) -> Warehouse:
        """Return the tables of the workspace *slug*."""
        return open_warehouse(self.config, slug)
