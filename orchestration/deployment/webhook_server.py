"""The receiver of all workspaces whose source takes webhooks, served by uvicorn."""

from collections.abc import Callable
from datetime import UTC, datetime

import uvicorn

from assets.config.base import resolve_secret
from assets.config.deployment import Config
from assets.config.source import WebhookSource
from assets.errors import ConfigError
from assets.sources.webhooks.receiver import Address, receiver_app


def webhook_addresses(settings: Config, say: Callable[[str], None]) -> dict[str, Address]:
    """Return where webhooks arrive, by slug; a workspace whose keys are not there is told of and left out.

    Raises ConfigError where none is left.
    """
    found = {}
    for each in settings.workspaces:
        if isinstance(each.source, WebhookSource):
            try:
                found[each.slug] = _webhook_address(each.slug, each.source)
            except ConfigError as error:
                say(f"error: {each.slug}: {error}")
    if not found:
        raise ConfigError("no workspace has a source that takes webhooks, such as `type: respond_io`")
    return found


def _webhook_address(slug: str, source: WebhookSource) -> Address:
    keys = tuple(resolve_secret(key) for key in source.signing_keys)
    return Address(slug, source.type, keys, resolve_secret(source.inbox), source.max_per_second)


def serve_webhooks(settings: Config, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until the process is told to end; requests under way are answered first."""
    uvicorn.run(
        receiver_app(webhook_addresses(settings, say), lambda: datetime.now(UTC)),
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        limit_concurrency=1_000,
        timeout_graceful_shutdown=20,
        log_level="warning",
    )
