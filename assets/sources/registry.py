"""The reader of each `source.type` of the configuration. Register a new kind of source here."""

from pathlib import Path

from assets.config.source import (
    ChatwootSource,
    ChatwootWebhooksSource,
    FilesSource,
    RespondIoSource,
    SqlSource,
)
from assets.config.workspace import Workspace
from assets.sources.base import Source
from assets.sources.chatwoot.database import Chatwoot
from assets.sources.chatwoot.webhooks import ChatwootWebhooks
from assets.sources.database.source import Sql
from assets.sources.files.imports import DaySources, imports_of
from assets.sources.files.source import Files
from assets.sources.respond_io.webhooks import RespondIo


def open_sources(workspace: Workspace, imports: Path) -> DaySources:
    """Return the sources of *workspace* by day, with the files imported into the folder *imports*."""
    return DaySources(open_source(workspace), imports_of(imports / workspace.slug))


def open_source(workspace: Workspace) -> Source:
    """Return the reader of the source of *workspace*; it connects only when it reads."""
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
