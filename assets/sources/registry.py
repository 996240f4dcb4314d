"""The reader of each `source.type` of the configuration. Register a new kind of source here."""

from datetime import datetime
from pathlib import Path

from assets.config.source import (
    ChatwootSource,
    ChatwootWebhooksSource,
    FilesSource,
    RespondIoSource,
    SqlSource,
    SyntheticSource,
)
from assets.config.workspace import Workspace
from assets.sources.base import Source
from assets.sources.chatwoot.database import Chatwoot
from assets.sources.chatwoot.webhooks import ChatwootWebhooks
from assets.sources.database.source import Sql
from assets.sources.files.imports import DaySources, imports_of
from assets.sources.files.source import Files
from assets.sources.respond_io.webhooks import RespondIo
from assets.sources.synthetic.source import Synthetic


def open_sources(workspace: Workspace, imports: Path, now: datetime) -> DaySources:
    """Return the sources of *workspace* by day, with the files imported into the folder *imports*."""
    return DaySources(open_source(workspace, now), imports_of(imports / workspace.slug))


def open_source(workspace: Workspace, now: datetime | None = None) -> Source:
    """Return the reader of the source of *workspace*; it connects only when it reads.

    *now* limits a source that is invented: a real one has nothing of the future.
    """
    match workspace.source:
        case FilesSource() as options:
            return Files(options)
        case SqlSource() as options:
            return Sql(options)
        case RespondIoSource() as options:
            return RespondIo(options, workspace.slug)
        case ChatwootSource() as options:
            return Chatwoot(options)
        case ChatwootWebhooksSource() as options:
            return ChatwootWebhooks(options, workspace.slug)
        case SyntheticSource() as options:
            return Synthetic(options, now)
