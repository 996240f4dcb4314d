"""The archive as a Dagster resource, and the type of the one that makes reports."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from datetime import date
from pathlib import Path

import dagster as dg

from assets.archive.archive import Archive, address
from assets.archive.publish import Published
from assets.config.base import parse_location
from assets.config.workspace import ReportSpec, Workspace

Made = tuple[date, Future[Published]]
"""A report date, and its report or error."""

MakeReports = Callable[[Workspace, ReportSpec, Sequence[date]], Generator[Made, None, None]]
"""Makes a report for each of some report dates in report processes; yields each date when it is done."""


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
