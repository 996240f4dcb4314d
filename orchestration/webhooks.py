"""The receiver of all workspaces whose source takes webhooks, served by uvicorn."""

from datetime import UTC, datetime

import uvicorn

from assets.config import Config
from assets.errors import ConfigError
from assets.setting import reveal
from assets.source_config import WebhookSource
from assets.sources.receiver import Address, application


def addresses(settings: Config) -> dict[str, Address]:
    """Return where webhooks arrive, by slug. Raises ConfigError where no source takes any."""
    found = {
        each.slug: Address(
            each.slug,
            each.source.type,
            tuple(reveal(key) for key in each.source.signing_keys),
            reveal(each.source.inbox),
            each.source.most_per_second,
        )
        for each in settings.workspaces
        if isinstance(each.source, WebhookSource)
    }
    if not found:
        raise ConfigError("no workspace has a source that takes webhooks, such as `type: respond_io`")
    return found


def serve(settings: Config, host: str, port: int) -> None:
    """Serve until the process is told to end; requests under way are answered first."""
    uvicorn.run(
        application(addresses(settings), lambda: datetime.now(UTC)),
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        limit_concurrency=1_000,
        timeout_graceful_shutdown=20,
        log_level="warning",
    )
