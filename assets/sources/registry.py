"""Which module reads which `source.type` of the configuration: the table of contents of this stage."""

from assets.source_config import FilesSource, SqlSource
from assets.sources.batches import Source
from assets.sources.files import Files
from assets.sources.sql import Sql


def open_source(options: FilesSource | SqlSource) -> Source:
    """Return the reader of a configured source; nothing is opened before it reads."""
    match options:
        case FilesSource():
            return Files(options)
        case SqlSource():
            return Sql(options)
