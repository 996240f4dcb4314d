"""The archive as a Dagster resource."""

from pathlib import Path

import dagster as dg

from assets.deliver.archive import Archive


class ArchiveResource(dg.ConfigurableResource[Archive]):
    """The archive's folder."""

    root: str

    def open(self) -> Archive:
        """Return the archive."""
        return Archive(Path(self.root))
