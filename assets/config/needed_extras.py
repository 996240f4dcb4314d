"""The extras of the distribution that a configuration's keys need, and those that are missing.

The extras themselves are listed in `assets/runtime/extras.py`.
"""

from collections.abc import Iterator

from pydantic import SecretStr

from assets.config.base import missing_names, resolve_secret
from assets.config.deployment import Config
from assets.config.source import ChatwootSource, RespondIoSource, SqlSource, WebhookSource
from assets.config.workspace import Workspace
from assets.runtime.extras import MissingExtraError, is_installed, is_s3

NeededExtra = tuple[str, str]
"""A key's path, such as `workspaces.acme.source.url`, and the extra that it needs."""


def needed_extras(config: Config) -> Iterator[NeededExtra]:
    """Yield the extras that *config* needs; a URL with an unset variable is not taken for PostgreSQL."""
    yield from _extra_of_url("state", config.state)
    yield from _extra_of_url("warehouse", config.warehouse)
    for key, place in (("lake", config.lake), ("archive", config.archive)):
        if is_s3(place):
            yield key, "s3"
    if config.execution != "local":
        yield "execution", config.execution
    for workspace in config.workspaces:
        key = f"workspaces.{workspace.slug}"
        yield from _of_source(workspace, f"{key}.source")
        for subscription in workspace.subscriptions:
            if subscription.sftp is not None:
                yield f"{key}.subscriptions.{subscription.name}.sftp", "sftp"


def missing_extras(config: Config) -> dict[str, MissingExtraError]:
    """Return an error for each key that needs an extra which is not installed."""
    return {
        key: MissingExtraError(extra, key) for key, extra in needed_extras(config) if not is_installed(extra)
    }


def _of_source(workspace: Workspace, key: str) -> Iterator[NeededExtra]:
    match workspace.source:
        case SqlSource(url=url) | ChatwootSource(url=url):
            yield from _extra_of_url(f"{key}.url", url)
        case WebhookSource() as source:
            yield f"{key}.type", "webhooks"
            yield from _extra_of_url(f"{key}.inbox", source.inbox)
            if isinstance(source, RespondIoSource) and source.api_token is not None:
                yield f"{key}.api_token", "respond-io"


def _extra_of_url(key: str, url: SecretStr | None) -> Iterator[NeededExtra]:
    if url is not None and not missing_names(url) and resolve_secret(url).startswith("postgresql"):
        yield key, "postgresql"
