"""The warehouse as a Dagster resource."""

from pathlib import Path

import dagster as dg

from assets.warehouse.lake import Lake


class WarehouseResource(dg.ConfigurableResource[Lake]):
    """The lake's folder; each workspace has a part of its own."""

    root: str

    def of(self, slug: str) -> Lake:
        """Return the tables of the workspace *slug*."""
        return Lake(Path(self.root), slug)
