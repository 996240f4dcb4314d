"""The archive as a Dagster resource."""

from pathlib import Path

import dagster as dg

from assets.archive.archive import Archive, address
from assets.config.base import parse_location


class ArchiveResource(dg.ConfigurableResource[Archive]):
    """The archive's folder, and where its files can be opened in a browser."""

    root: str
    url: str | None = None

    def open(self) -> Archive:
        """Return the archive."""
        return Archive(parse_location(self.root))

    def address(self, file: Path) -> str:
        """Return the URL of an archived *file*: on the configured web server, or a `file:` URL."""
        return address(parse_location(self.root), self.url, file)
